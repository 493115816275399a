"""What several test modules share: networks, stored traces, the plain twin of the compiled code, devices, scripts."""
