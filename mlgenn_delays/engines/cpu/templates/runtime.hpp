// What generated networks share: the interface to Python, threads, small helpers.
// The structures below are mirrored field by field in abi.py.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <numeric>
#include <thread>
#include <vector>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

// Spikes of one input population: events offsets[k] .. offsets[k + 1] belong to example k.
struct InputEvents {
    const int64_t* offsets;
    const void* steps;    // uint16_t, in long trials int32_t
    const void* neurons;  // uint16_t, of large populations uint32_t
};

// Buffers of one population for one batch; null where not wanted. B examples, T timesteps,
// N neurons, R recorded examples.
struct PopulationBuffers {
    float* readout;               // [B][N]
    float* trace;                 // [B][T][N] voltage, for losses on every timestep
    int32_t* readout_step;        // [B][N] step of the maximum or of the first spike, -1: none
    int32_t* spike_counts;        // [B][N]
    float* const* record_vars;    // per state variable of the model [R][T][N]
    const float* readout_weights; // [T]
    const float* grad_readout;    // [B][N]
    const float* grad_trace;      // [B][T][N]
    const float* grad_silent;     // [B][N]
    const float* regulariser;     // [N] added to the adjoint at each spike
    float* const* record_adjoints; // LambdaI, then per adjoint variable of the model [R][T][N]
};

// One parameter of the network; rows of dense connections are padded to whole vectors.
struct Parameter {
    float* value;
    float* gradient; // [threads][elements], where it is learned
    float* m;        // moments of Adam
    float* v;
    double norm;     // of the gradient, written by the backward pass
};

// One connection: arrays of its weights and delays, and what belongs to no parameter.
struct ConnectionBuffers {
    float* weight;
    float* delay;
    uint16_t* delay_steps;     // delays, rounded
    const uint32_t* row_start; // sparse: [pre + 1]
    const uint32_t* post;      // sparse: [synapses]
    float* weight_gradient;    // [threads][synapses]
    float* delay_gradient;     // [threads][synapses]
    uint8_t* touched;          // [threads][pre]: rows with a gradient
};

struct Batch {
    int32_t size;
    const int64_t* examples;   // [B] indices into the input events
    const int32_t* record_row; // [B] row in the recordings, -1: not recorded
    const InputEvents* inputs;
    const PopulationBuffers* populations;
};

struct Adam {
    float alpha, beta1, beta2, epsilon, moment_scale1, moment_scale2;
};

namespace {

// A synapse's view of its target's adjoint at the start of a step. Both numbers are always
// read together, so they share a cache line.
struct Lambda {
    float i;         // LambdaI
    float v_minus_i; // LambdaV - LambdaI
};

// Slot of a ring that lies `delay` slots after `slot`; both are smaller than `slots`.
inline uint32_t ring_slot(uint32_t slot, uint32_t delay, uint32_t slots) {
    const uint32_t s = slot + delay;
    return std::min(s, s - slots);  // s - slots wraps to a huge number unless s >= slots
}

inline float round_half_up(float value) {  // value >= 0
    const float whole = std::trunc(value);
    return whole + (value - whole >= 0.5f ? 1.0f : 0.0f);
}

// Voltages and adjoints decay through the denormal range, where arithmetic is slow.
class FlushDenormals {
public:
#if defined(__SSE__)
    FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040u); }
    ~FlushDenormals() { _mm_setcsr(saved_); }
private:
    unsigned int saved_;
#elif defined(__aarch64__)
    FlushDenormals() {
        asm volatile("mrs %0, fpcr" : "=r"(saved_));
        asm volatile("msr fpcr, %0" : : "r"(saved_ | (1ull << 24)));
    }
    ~FlushDenormals() { asm volatile("msr fpcr, %0" : : "r"(saved_)); }
private:
    uint64_t saved_;
#endif
};

// Threads that wait for work; the calling thread is number 0.
class Pool {
    // How often a thread looks for work before it sleeps: waking it takes tens of microseconds,
    // as long as a phase of a small batch.
    static constexpr int spins = 4000;

public:
    explicit Pool(int num_threads) : size_(num_threads), failed_(num_threads, 0) {
        try {
            for (int t = 1; t < size_; t++) {
                threads_.emplace_back([this, t] { wait_for_work(t); });
            }
        } catch (...) {  // the system gives no more threads: end those that it gave
            stop();
            throw;
        }
    }

    ~Pool() { stop(); }

    int size() const { return size_; }

    // Runs task(thread) on every thread. Returns false if one of them ran out of memory.
    bool run(const std::function<void(int)>& task) {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            task_ = &task;
            running_ = size_ - 1;
            generation_++;
        }
        start_.notify_all();
        call(task, 0);
        spin_while([this] { return running_.load(std::memory_order_acquire) != 0; });
        std::unique_lock<std::mutex> lock(mutex_);
        done_.wait(lock, [this] { return running_ == 0; });
        return std::none_of(failed_.begin(), failed_.end(), [](uint8_t f) { return f != 0; });
    }

private:
    template <typename Condition>
    void spin_while(Condition condition) {
        for (int i = 0; i < spins && condition(); i++) {
#if defined(__SSE__)
            _mm_pause();
#endif
        }
    }

    void stop() {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            stop_ = true;
        }
        start_.notify_all();
        for (auto& thread : threads_) {
            thread.join();
        }
    }

    void call(const std::function<void(int)>& task, int thread) {
        const FlushDenormals flush;
        failed_[thread] = 0;
        try {
            task(thread);
        } catch (const std::bad_alloc&) {
            failed_[thread] = 1;
        }
    }

    void wait_for_work(int thread) {
        uint64_t seen = 0;
        while (true) {
            const std::function<void(int)>* task;
            spin_while([&] { return generation_.load(std::memory_order_acquire) == seen; });
            {
                std::unique_lock<std::mutex> lock(mutex_);
                start_.wait(lock, [&] { return stop_ || generation_ != seen; });
                if (stop_) {
                    return;
                }
                seen = generation_;
                task = task_;
            }
            call(*task, thread);
            std::lock_guard<std::mutex> lock(mutex_);
            if (--running_ == 0) {
                done_.notify_one();
            }
        }
    }

    const int size_;
    std::vector<uint8_t> failed_;
    std::vector<std::thread> threads_;
    std::mutex mutex_;
    std::condition_variable start_, done_;
    const std::function<void(int)>* task_ = nullptr;
    std::atomic<int> running_{0};
    std::atomic<uint64_t> generation_{0};
    bool stop_ = false;
};

// Deals examples to threads, the dearest first to the least loaded thread. It depends on
// the data alone, never on timing, so that every run adds gradients in the same order.
inline std::vector<std::vector<int>> deal(const std::vector<int64_t>& costs, int num_threads) {
    std::vector<int> order(costs.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return costs[a] > costs[b]; });
    std::vector<std::vector<int>> hands(num_threads);
    std::vector<int64_t> load(num_threads, 0);
    for (const int example : order) {
        const auto lightest = std::min_element(load.begin(), load.end()) - load.begin();
        hands[lightest].push_back(example);
        load[lightest] += costs[example];
    }
    return hands;
}

// Rows [first, last) of a connection that a thread takes.
inline std::pair<int, int> share(int rows, int thread, int num_threads) {
    return {static_cast<int>(int64_t(rows) * thread / num_threads),
            static_cast<int>(int64_t(rows) * (thread + 1) / num_threads)};
}

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

// One step of Adam (Kingma & Ba 2015, algorithm 1) on synapses [first, last).
inline void adam_update(const Adam& adam, const float* __restrict grad, float* __restrict m,
                        float* __restrict v, float* __restrict value, size_t first, size_t last) {
    for (size_t k = first; k < last; k++) {
        m[k] = adam.beta1 * m[k] + (1.0f - adam.beta1) * grad[k];
        v[k] = adam.beta2 * v[k] + (1.0f - adam.beta2) * grad[k] * grad[k];
        value[k] -= adam.alpha * (m[k] * adam.moment_scale1)
                    / (std::sqrt(v[k] * adam.moment_scale2) + adam.epsilon);
    }
}

}  // namespace
