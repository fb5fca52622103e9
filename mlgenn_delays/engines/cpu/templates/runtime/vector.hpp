// Vector code that compilers do not find by themselves, for a block of neurons or synapses. Where the
// processor has an instruction or two for it, these are taken; the portable way beside them leaves the
// same numbers.

#ifndef MLGENN_DELAYS_PORTABLE
#ifdef __AVX__
#define MLGENN_DELAYS_AVX
#endif
// Clang 18 to 21 may have AVX-512 without its widest registers.
#if defined(__AVX512F__) && (!defined(__clang__) || __clang_major__ < 18 || __clang_major__ > 21 || defined(__EVEX512__))
#include <immintrin.h>  // takes as long to compile as a third of a network: not for AVX alone
#define MLGENN_DELAYS_AVX512
#endif
#endif

namespace {

// The two numbers of each pair at these places of a ring.
template <typename Pair, typename Place>
inline void gather(const Pair* ring, const Place* place, float* __restrict first, float* __restrict second) {
    static_assert(sizeof(Pair) == 2 * sizeof(float));
    static_assert(block == 16);
#ifdef MLGENN_DELAYS_AVX512
    if constexpr (sizeof(Place) == 4) {
        const auto at = reinterpret_cast<const __m256i*>(place);
        const auto pairs = reinterpret_cast<const long long*>(ring);
        const __m512 low = _mm512_castsi512_ps(_mm512_i32gather_epi64(_mm256_loadu_si256(at), pairs, 8));
        const __m512 high = _mm512_castsi512_ps(_mm512_i32gather_epi64(_mm256_loadu_si256(at + 1), pairs, 8));
        const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        const __m512i odd = _mm512_or_si512(even, _mm512_set1_epi32(1));
        _mm512_storeu_ps(first, _mm512_permutex2var_ps(low, even, high));
        _mm512_storeu_ps(second, _mm512_permutex2var_ps(low, odd, high));
        return;
    }
#endif
    for (int lane = 0; lane < block; lane++) {
        float pair[2];
        std::memcpy(pair, ring + place[lane], sizeof(pair));
        first[lane] = pair[0];
        second[lane] = pair[1];
    }
}

// Adds a pair of numbers at once.
template <typename Pair>
inline void add_pair(Pair& at, const Pair& more) {
    typedef float Both __attribute__((vector_size(8), aligned(4), may_alias));
    static_assert(sizeof(Pair) == sizeof(Both));
    reinterpret_cast<Both&>(at) += reinterpret_cast<const Both&>(more);
}

// A bit for each flag of a block; flags are 0 or -1.
inline uint32_t bits(const int32_t* flags) {
#if defined(MLGENN_DELAYS_AVX512)
    const __m512i all = _mm512_loadu_si512(flags);
    return _mm512_test_epi32_mask(all, all);
#elif defined(MLGENN_DELAYS_AVX)
    typedef float Eight __attribute__((vector_size(32), aligned(4), may_alias));
    const auto at = reinterpret_cast<const Eight*>(flags);
    return uint32_t(__builtin_ia32_movmskps256(at[0]) | __builtin_ia32_movmskps256(at[1]) << 8);
#else
    int32_t any = 0;
    #pragma omp simd reduction(|:any)
    for (int lane = 0; lane < block; lane++) {
        any |= flags[lane];
    }
    uint32_t found = 0;
    for (int lane = 0; any != 0 && lane < block; lane++) {
        found |= (uint32_t(flags[lane]) & 1u) << lane;
    }
    return found;
#endif
}

// Calls f with the numbers of those of the first `count` flags of a block that are set.
template <typename F>
inline void for_each_set(const int32_t* flags, int count, const F& f) {
    const uint32_t counted = count < block ? (1u << count) - 1 : (1u << block) - 1;
    for (uint32_t set = bits(flags) & counted; set != 0; set &= set - 1) {
        f(__builtin_ctz(set));
    }
}

}  // namespace
