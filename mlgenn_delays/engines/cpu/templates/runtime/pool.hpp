// Threads, and who of them does what; the order of additions depends on nothing else.

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
