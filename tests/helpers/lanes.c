/* Apply a function of gifpop/_lanes.h to the doubles on standard input, and write what it returns. */

#include <stdio.h>
#include "_lanes.h"

#define MOST 65536      /* doubles: a multiple of every width */

static double values[MOST], results[MOST + GP_LANES];

int main(int argc, char **argv)
{
    size_t n = fread(values, sizeof(double), MOST, stdin) / GP_LANES * GP_LANES, written = n;
    const char *name = argc > 1 ? argv[1] : "";
    const double low = -1.0, limit = 0.5, high = 2.0;
    gp_lanes total = gp_all(3.0);
    #define EACH(expression) for (size_t i = 0; i < n; i += GP_LANES) { \
        gp_lanes x = gp_load(values + i); \
        gp_store(results + i, expression); \
    }
    if (!strcmp(name, "lanes")) results[0] = GP_LANES, written = 1;
    else if (!strcmp(name, "exp")) EACH(gp_exp(x))
    else if (!strcmp(name, "exp2")) EACH(gp_exp2(x))
    else if (!strcmp(name, "saturate")) EACH(gp_saturate(x))
    else if (!strcmp(name, "clamp")) EACH(gp_clamp(x, low, high))
    else if (!strcmp(name, "larger")) EACH(gp_larger(x, gp_all(limit)))
    else if (!strcmp(name, "smaller")) EACH(gp_smaller(x, gp_all(limit)))
    else if (!strcmp(name, "above")) EACH(gp_above(x, limit, 10.0 * x, 1.0 + x))
    else if (!strcmp(name, "any_above")) EACH(gp_all(gp_any_above(x, limit)))
    else if (!strcmp(name, "scale")) EACH(gp_scale(gp_all(1.5), x + 6755399441055744.0))
    else if (!strcmp(name, "sum")) EACH(gp_all(gp_sum(x)))
    else if (!strcmp(name, "before")) {
        EACH(gp_before(x, &total))
        gp_store(results + n, total);
        written = n + GP_LANES;
    }
    else return 1;
    return fwrite(results, sizeof(double), written, stdout) != written;
}
