"""What advances groups in time, whatever their level: the time loop, input in transit, threads."""
