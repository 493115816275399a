/* The plain algorithm in C: the loops that a compiler can turn into vectors, with numpy's random numbers.
 *
 * Structures are those of plain.py. A tile of cohorts or neurons goes through one simple loop after the other, so that
 * each loop is free of branches and of waiting; the running sum of thresholds is the only one that is not a vector. */

#include <Python.h>
#include <stdint.h>
#include <string.h>
#include "numpy/random/bitgen.h"
#include "numpy/random/distributions.h"

enum { TILE = 512 };

typedef struct {
    int64_t N, K, refractory, J, first, first_term, first_trace, oldest;
    double leak, E_L, V_reset, V_T_star, slope, hazard, drive;
    double decay_ex, decay_in, carry_ex, carry_in, input_ex, input_in, arrive_ex, arrive_in;
    double V_m, I_ex, I_in, free, free_variance, free_hazard;
} Population;

typedef struct {
    int64_t pre, post, first, indegree;
    double weight;
} Projection;

typedef struct {
    Population *populations;
    double *theta, *quasi, *count, *survivors, *variance, *potential, *hazard;
    double *sfa, *sfa_decay, *sfa_feed, *sfa_weight, *excitation, *inhibition;
    int64_t *sent;
} Mesoscopic;

typedef struct {
    Population *populations;
    double *V_m, *I_ex, *I_in, *pause, *budget, *sfa, *sfa_decay, *sfa_jump, *ring_ex, *ring_in;
    Projection *projections;
    int64_t *starts;
    int32_t *targets;
} Microscopic;

typedef struct { double Y, Z, W, X; } Sums;

/* exp(x) without branches: x = n ln 2 + r, the power of two through the bits of the number, the rest by its series. */
static inline double exponential(double x)
{
    const double shift = 6755399441055744.0; /* 1.5 * 2^52: rounds to whole numbers */
    double rounded, n, r, sum, power;
    int64_t bits;
    x = x < -700.0 ? -700.0 : x > 700.0 ? 700.0 : x;
    rounded = x * 1.4426950408889634 + shift;
    n = rounded - shift;
    r = (x - n * 6.93147180369123816490e-1) - n * 1.90821492927058770002e-10;
    sum = 1.0 / 6227020800.0;
    sum = sum * r + 1.0 / 479001600.0;
    sum = sum * r + 1.0 / 39916800.0;
    sum = sum * r + 1.0 / 3628800.0;
    sum = sum * r + 1.0 / 362880.0;
    sum = sum * r + 1.0 / 40320.0;
    sum = sum * r + 1.0 / 5040.0;
    sum = sum * r + 1.0 / 720.0;
    sum = sum * r + 1.0 / 120.0;
    sum = sum * r + 1.0 / 24.0;
    sum = sum * r + 1.0 / 6.0;
    sum = sum * r + 0.5;
    sum = (sum * r + 1.0) * r + 1.0;
    memcpy(&bits, &rounded, sizeof bits);
    bits = (bits + 1023) << 52;
    memcpy(&power, &bits, sizeof power);
    return sum * power;
}

/* ---------------------------------------------------------------------------------------------- populations */

static double thresholds(const double *theta, const double *quasi, const double *count, int64_t n, double earlier,
                         double *threshold)
{
    for (int64_t i = 0; i < n; i++) {
        threshold[i] = earlier + theta[i];
        earlier += count[i] * quasi[i];
    }
    return earlier;
}

static double integrate_hazards(const Population *p, const double *threshold, double *potential, double *hazard,
                                int64_t n, double drive, double *fraction)
{
    const double leak = p->leak, slope = p->slope, half = p->hazard;
    double largest = 0.0;
#pragma omp simd reduction(max : largest)
    for (int64_t i = 0; i < n; i++) {
        double u = potential[i] * leak + drive;
        double taken = half * exponential((u - threshold[i]) * slope);
        double whole = hazard[i] + taken;
        potential[i] = u;
        hazard[i] = taken;
        fraction[i] = whole;
        largest = whole > largest ? whole : largest;
    }
    return largest;
}

static void thin(const double *fraction, double *survivors, double *variance, int64_t n, Sums *sums)
{
    double Y = 0.0, Z = 0.0, W = 0.0, X = 0.0;
#pragma omp simd reduction(+ : Y, Z, W, X)
    for (int64_t i = 0; i < n; i++) {
        double p = fraction[i], m = survivors[i], v = variance[i];
        Y += p * v;
        Z += v;
        W += p * m;
        X += m;
        variance[i] = (1.0 - p) * (1.0 - p) * v + p * m;
        survivors[i] = (1.0 - p) * m;
    }
    sums->Y += Y, sums->Z += Z, sums->W += W, sums->X += X;
}

/* Cohorts in order of age that stand side by side; returns the threshold that all spikes up to them have left. */
static double thin_cohorts(Mesoscopic *net, const Population *p, int64_t age, int64_t place, int64_t n, double drive,
                           double threshold, Sums *sums)
{
    double level[TILE], fraction[TILE];
    for (int64_t begun = 0; begun < n; begun += TILE) {
        const int64_t size = n - begun < TILE ? n - begun : TILE;
        const int64_t a = p->first + age + begun, i = p->first + place + begun;
        double largest;
        if (p->J > 0)
            threshold = thresholds(net->theta + a, net->quasi + a, net->count + i, size, threshold, level);
        else
            for (int64_t k = 0; k < size; k++)
                level[k] = threshold;
        largest = integrate_hazards(p, level, net->potential + i, net->hazard + i, size, drive, fraction);
        if (largest > 0.01)
#pragma omp simd
            for (int64_t k = 0; k < size; k++)
                fraction[k] = fraction[k] > 0.01 ? 1.0 - exponential(-fraction[k]) : fraction[k];
        thin(fraction, net->survivors + i, net->variance + i, size, sums);
    }
    return threshold;
}

/* Expected number of spikes of a step (Schwalger, Deger & Gerstner 2017, Fig. 12). */
static double expect_spikes(Mesoscopic *net, Population *p, double ex, double in)
{
    const double excitation = p->carry_ex * p->I_ex + p->arrive_ex * ex;
    const double drive = p->drive + excitation + p->carry_in * p->I_in + p->arrive_in * in;
    const int64_t oldest = p->first + p->oldest, active = p->K - p->refractory;
    const int64_t before_end = active < p->K - p->oldest ? active : p->K - p->oldest;
    double threshold = p->V_T_star, hazard, p_free, p_missing, mean;
    Sums sums = {0.0, 0.0, 0.0, 0.0};

    p->I_ex = p->I_ex * p->decay_ex + p->input_ex * ex;
    p->I_in = p->I_in * p->decay_in + p->input_in * in;
    p->V_m = p->V_m * p->leak + drive;
    for (int64_t j = p->first_term; j < p->first_term + p->J; j++) {
        net->sfa[j] = net->sfa[j] * net->sfa_decay[j] + net->sfa_feed[j] * net->count[oldest];
        threshold += net->sfa_weight[j] * net->sfa[j];
    }
    hazard = p->hazard * exponential((p->V_m - threshold) * p->slope);
    p_free = 1.0 - exponential(-(p->free_hazard + hazard));
    p->free_hazard = hazard;
    threshold -= net->count[oldest] * net->quasi[p->first];

    threshold = thin_cohorts(net, p, 0, p->oldest, before_end, drive, threshold, &sums);
    thin_cohorts(net, p, before_end, 0, active - before_end, drive, threshold, &sums);
    for (int64_t age = active; age < p->K; age++)
        sums.X += net->survivors[p->first + (p->oldest + age) % p->K];

    p_missing = sums.Z + p->free_variance;
    if (p_missing > 0.0)
        p_missing = (sums.Y + p_free * p->free_variance) / p_missing;
    mean = sums.W + p_free * p->free + p_missing * (p->N - sums.X - p->free);
    p->free_variance = (1.0 - p_free) * (1.0 - p_free) * p->free_variance + p_free * p->free + net->variance[oldest];
    p->free = (1.0 - p_free) * p->free + net->survivors[oldest];
    return mean;
}

static void emit_spikes(Mesoscopic *net, Population *p, int64_t spikes)
{
    const int64_t place = p->first + p->oldest;
    net->count[place] = net->survivors[place] = (double)spikes;
    net->variance[place] = net->hazard[place] = 0.0;
    net->potential[place] = p->V_reset;
    p->oldest = (p->oldest + 1) % p->K;
}

void advance_populations(Mesoscopic *net, int64_t n_populations, int64_t lag, bitgen_t **streams, int64_t first_step,
                         int64_t steps, int64_t *counts, double *mean)
{
    binomial_t prepared[n_populations];
    memset(prepared, 0, sizeof prepared);
    for (int64_t k = 0; k < steps; k++, counts += n_populations, mean += n_populations) {
        int64_t *sent = net->sent + (first_step + k) % lag * n_populations;
        for (int64_t i = 0; i < n_populations; i++) {
            Population *p = net->populations + i;
            double ex = 0.0, in = 0.0, chance;
            for (int64_t j = 0; j < n_populations; j++) {
                ex += net->excitation[i * n_populations + j] * sent[j];
                in += net->inhibition[i * n_populations + j] * sent[j];
            }
            mean[i] = expect_spikes(net, p, ex, in);
            chance = mean[i] / p->N;
            chance = chance < 0.0 ? 0.0 : chance > 1.0 ? 1.0 : chance;
            counts[i] = random_binomial(streams[i], chance, p->N, prepared + i);
            emit_spikes(net, p, counts[i]);
        }
        memcpy(sent, counts, n_populations * sizeof *sent);
    }
}

/* -------------------------------------------------------------------------------------------------- neurons */

static void receive(double *current, double *arriving, double decay, int64_t n)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        current[i] = current[i] * decay + arriving[i];
        arriving[i] = 0.0;
    }
}

static void adapt(double *threshold, double *trace, double decay, int64_t n)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        threshold[i] += trace[i];
        trace[i] *= decay;
    }
}

static double integrate(Microscopic *net, const Population *p, int64_t start, const double *threshold, int64_t n)
{
    double *V_m = net->V_m + start, *pause = net->pause + start, *budget = net->budget + start;
    const double *I_ex = net->I_ex + start, *I_in = net->I_in + start;
    const double leak = p->leak, drive = p->drive, carry_ex = p->carry_ex, carry_in = p->carry_in;
    const double V_reset = p->V_reset, slope = p->slope, hazard = p->hazard;
    double least = 1.0;
#pragma omp simd reduction(min : least)
    for (int64_t i = 0; i < n; i++) {
        double V = V_m[i] * leak + drive + I_ex[i] * carry_ex + I_in[i] * carry_in;
        double taken = hazard * exponential((V - threshold[i]) * slope);
        V_m[i] = pause[i] > 0.0 ? V_reset : V;
        budget[i] -= pause[i] > 0.0 ? 0.0 : taken;
        pause[i] = pause[i] > 1.0 ? pause[i] - 1.0 : 0.0;
        least = budget[i] < least ? budget[i] : least;
    }
    return least;
}

static int64_t fire(Microscopic *net, const Population *p, bitgen_t *random, int64_t start, int64_t n, int32_t *fired)
{
    int64_t found = 0;
    for (int64_t i = start; i < start + n; i++) {
        if (net->budget[i] >= 0.0)
            continue;
        net->budget[i] = random_standard_exponential(random);
        net->pause[i] = (double)p->refractory;
        for (int64_t j = 0; j < p->J; j++)
            net->sfa[p->first_trace + j * p->N + i - p->first] += net->sfa_jump[p->first_term + j];
        fired[found++] = (int32_t)i;
    }
    return found;
}

static int64_t step_neurons(Microscopic *net, const Population *p, bitgen_t *random, double *ex, double *in,
                            int32_t *fired)
{
    double threshold[TILE];
    int64_t found = 0;
    for (int64_t begun = 0; begun < p->N; begun += TILE) {
        const int64_t start = p->first + begun, n = p->N - begun < TILE ? p->N - begun : TILE;
        receive(net->I_ex + start, ex + start, p->decay_ex, n);
        receive(net->I_in + start, in + start, p->decay_in, n);
        for (int64_t i = 0; i < n; i++)
            threshold[i] = p->V_T_star;
        for (int64_t j = 0; j < p->J; j++)
            adapt(threshold, net->sfa + p->first_trace + j * p->N + begun, net->sfa_decay[p->first_term + j], n);
        if (integrate(net, p, start, threshold, n) < 0.0)
            found += fire(net, p, random, start, n, fired + found);
    }
    return found;
}

static void deliver(Microscopic *net, int64_t n_projections, int64_t pre, const int32_t *fired, int64_t n, double *ex,
                    double *in)
{
    for (const Projection *c = net->projections; c < net->projections + n_projections; c++) {
        double *arriving = c->weight > 0.0 ? ex : in;
        if (c->pre != pre)
            continue;
        for (int64_t f = 0; f < n; f++) {
            const int64_t *start = net->starts + c->first + fired[f] - net->populations[pre].first;
            for (int64_t k = start[0]; k < start[1]; k++)
                arriving[net->targets[k]] += c->weight;
        }
    }
}

int64_t advance_neurons(Microscopic *net, int64_t n_populations, int64_t n_projections, int64_t n_neurons, int64_t lag,
                        bitgen_t **streams, int64_t first_step, int64_t steps, int64_t *counts, int32_t *fired)
{
    const int32_t *begin = fired;
    for (int64_t k = 0; k < steps; k++, counts += n_populations) {
        const int64_t row = (first_step + k) % lag * n_neurons;
        double *ex = net->ring_ex + row, *in = net->ring_in + row;
        const int32_t *spikes = fired;
        for (int64_t i = 0; i < n_populations; i++) {
            counts[i] = step_neurons(net, net->populations + i, streams[i], ex, in, fired);
            fired += counts[i];
        }
        for (int64_t i = 0; i < n_populations; spikes += counts[i], i++)
            deliver(net, n_projections, i, spikes, counts[i], ex, in);
    }
    return fired - begin;
}

/* Counting sort: where each source begins, and the indices of `sources` in their order. */
void sort_by_source(const int32_t *sources, int64_t n, int64_t n_pre, int64_t *starts, int32_t *order)
{
    memset(starts, 0, (n_pre + 1) * sizeof *starts);
    for (int64_t i = 0; i < n; i++)
        starts[sources[i] + 1]++;
    for (int64_t s = 0; s < n_pre; s++)
        starts[s + 1] += starts[s];
    for (int64_t i = 0; i < n; i++)
        order[starts[sources[i]]++] = (int32_t)i;
    memmove(starts + 1, starts, n_pre * sizeof *starts);
    starts[0] = 0;
}
