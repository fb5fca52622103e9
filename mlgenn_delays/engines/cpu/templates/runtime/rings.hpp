// Slots of delay rings, and what synapses read of their target backwards.

constexpr int block = 16;  // neurons or synapses that are looked at together, in vector code

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

// Index of a place in a ring of so many: the narrower it is, the more of them fit in a vector, whose
// instructions take it as a number with a sign.
template <size_t places>
using PlaceIn = std::conditional_t<(places >> 31) == 0, uint32_t, size_t>;
