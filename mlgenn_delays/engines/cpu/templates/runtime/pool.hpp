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

// Threads that wait for work; the calling thread is number 0. They are POSIX's: a small network took half
// as long again to compile with those of C++'s library.
class Pool {
    // How often a thread looks for work before it sleeps: waking it takes tens of microseconds,
    // as long as a phase of a small batch.
    static constexpr int spins = 4000;

    // Something to be called with the number of the thread.
    struct Task {
        const void* work;
        void (*call)(const void* work, int thread);
    };

    class Lock {
    public:
        explicit Lock(pthread_mutex_t& mutex) : mutex_(mutex) { pthread_mutex_lock(&mutex_); }
        ~Lock() { pthread_mutex_unlock(&mutex_); }
    private:
        pthread_mutex_t& mutex_;
    };

    struct Worker {
        Pool* pool;
        int number;
        pthread_t thread;
    };

public:
    explicit Pool(int num_threads) : failed_(num_threads, 0), workers_(num_threads) {
        for (int t = 1; t < num_threads; t++) {
            workers_[t] = {this, t, {}};
            if (pthread_create(&workers_[t].thread, nullptr, start, &workers_[t]) != 0) {
                stop(t);  // the system gives no more threads: end those that it gave
                throw std::bad_alloc();
            }
        }
    }

    ~Pool() { stop(size()); }

    int size() const { return int(workers_.size()); }

    // Runs work(thread) on every thread. Returns false if one of them ran out of memory.
    template <typename Work>
    bool run(const Work& work) {
        return run_task({&work, [](const void* w, int thread) { (*static_cast<const Work*>(w))(thread); }});
    }

private:
    bool run_task(const Task& task) {
        {
            const Lock lock(mutex_);
            task_ = task;
            running_ = size() - 1;
            generation_++;
        }
        pthread_cond_broadcast(&start_);
        call(task, 0);
        spin_while([this] { return running_.load(std::memory_order_acquire) != 0; });
        const Lock lock(mutex_);
        while (running_ != 0) {
            pthread_cond_wait(&done_, &mutex_);
        }
        return std::none_of(failed_.begin(), failed_.end(), [](uint8_t f) { return f != 0; });
    }

    template <typename Condition>
    void spin_while(Condition condition) {
        for (int i = 0; i < spins && condition(); i++) {
#if defined(__SSE__)
            _mm_pause();
#endif
        }
    }

    void stop(int started) {
        {
            const Lock lock(mutex_);
            stop_ = true;
        }
        pthread_cond_broadcast(&start_);
        for (int t = 1; t < started; t++) {
            pthread_join(workers_[t].thread, nullptr);
        }
    }

    void call(const Task& task, int thread) {
        const FlushDenormals flush;
        failed_[thread] = 0;
        try {
            task.call(task.work, thread);
        } catch (const std::bad_alloc&) {
            failed_[thread] = 1;
        }
    }

    static void* start(void* worker) {
        static_cast<Worker*>(worker)->pool->wait_for_work(static_cast<Worker*>(worker)->number);
        return nullptr;
    }

    void wait_for_work(int thread) {
        uint64_t seen = 0;
        while (true) {
            Task task;
            spin_while([&] { return generation_.load(std::memory_order_acquire) == seen; });
            {
                const Lock lock(mutex_);
                while (!stop_ && generation_ == seen) {
                    pthread_cond_wait(&start_, &mutex_);
                }
                if (stop_) {
                    return;
                }
                seen = generation_;
                task = task_;
            }
            call(task, thread);
            const Lock lock(mutex_);
            if (--running_ == 0) {
                pthread_cond_signal(&done_);
            }
        }
    }

    std::vector<uint8_t> failed_;
    std::vector<Worker> workers_;
    pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t start_ = PTHREAD_COND_INITIALIZER, done_ = PTHREAD_COND_INITIALIZER;
    Task task_{};
    std::atomic<int> running_{0};
    std::atomic<uint64_t> generation_{0};
    bool stop_ = false;
};

// Deals examples to threads, the dearest first to the least loaded thread. It depends on
// the data alone, never on timing, so that every run adds gradients in the same order.
inline std::vector<std::vector<int>> deal(const std::vector<int64_t>& costs, int num_threads) {
    std::vector<int> order(costs.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](int a, int b) {  // quicker to compile than stable_sort
        return costs[a] > costs[b] || (costs[a] == costs[b] && a < b);
    });
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
