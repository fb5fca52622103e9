// Gradients of all threads into one, and the optimiser's step.

// Adds the gradients of all threads into the first one's and applies `scale(k)`; returns
// the sum of squares. Always in the same order: synapse by synapse, thread by thread.
template <typename Scale>
double reduce_synapses(float* grad, size_t stride, int num_threads, size_t first, size_t last,
                       const Scale& scale) {
    double sum = 0.0;
    for (size_t k = first; k < last; k++) {
        float total = grad[k];
        for (int t = 1; t < num_threads; t++) {
            total += grad[t * stride + k];
        }
        total *= scale(k);
        grad[k] = total;
        sum += double(total) * double(total);
    }
    return sum;
}

// One step of Adam (Kingma & Ba 2015, algorithm 1) on synapses [first, last), with `bound(value, k)`
// after it. Returns whether values and moments are finite.
template <typename Bound>
bool adam_update(const Adam& adam, const float* __restrict grad, float* __restrict m,
                 float* __restrict v, float* __restrict value, size_t first, size_t last,
                 const Bound& bound) {
    constexpr float largest = std::numeric_limits<float>::max();
    int infinite = 0;  // or NaN, which is not <= either
    for (size_t k = first; k < last; k++) {
        m[k] = adam.beta1 * m[k] + (1.0f - adam.beta1) * grad[k];
        v[k] = adam.beta2 * v[k] + (1.0f - adam.beta2) * grad[k] * grad[k];
        value[k] = bound(value[k] - adam.alpha * (m[k] * adam.moment_scale1)
                                        / (std::sqrt(v[k] * adam.moment_scale2) + adam.epsilon), k);
        infinite |= std::abs(value[k]) <= largest ? 0 : 1;  // written so that it vectorises
        infinite |= std::abs(m[k]) <= largest ? 0 : 1;
        infinite |= std::abs(v[k]) <= largest ? 0 : 1;
    }
    return !infinite;
}
