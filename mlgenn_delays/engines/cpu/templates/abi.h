// What Python and generated code share: structures, and functions that a compiled network has.
// This is plain C without directives, since abi.py reads it, too, and makes its ctypes structures
// and the types of functions from it. A change of a single character changes the version.
//
// B examples, T timesteps, N neurons, R recorded examples. Arrays belong to Python. Each pointer has
// the shape of its array behind it, which abi.py reads, too: it refuses arrays that are different.

// Spikes of one input population: events offsets[k] .. offsets[k + 1] belong to example k.
struct InputEvents {
    const int64_t* offsets;  // [examples + 1] of the whole data set
    const void* steps;       // [events] uint16_t, in long trials int32_t
    const void* neurons;     // [events] uint16_t, of large populations uint32_t
    const float* fractions;  // [events] of their steps, in sub-step timing
};

// Buffers of one population for one batch; null where not wanted.
struct PopulationBuffers {
    float* readout;                // [B][N]
    float* trace;                  // [B][T][N] voltage, for losses on every timestep
    int32_t* readout_step;         // [B][N] step of the maximum or of the first spike, -1: none
    int32_t* spike_counts;         // [B][N]
    float* const* record_vars;     // [variables] of the model's state, each [R][T][N]
    const float* readout_weights;  // [T]
    const float* grad_readout;     // [B][N]
    const float* grad_trace;       // [B][T][N]
    const float* grad_silent;      // [B][N]
    const float* regulariser;      // [N] added to the adjoint at each spike
    float* const* record_adjoints; // [variables] LambdaI, then the model's adjoint, each [R][T][N]
};

// One parameter of the network: an element per synapse. Rows of dense connections are padded to
// whole vectors.
struct Parameter {
    float* value;     // [elements]
    float* gradient;  // [threads][elements], where it is learned
    float* m;         // [elements] moments of Adam
    float* v;         // [elements]
    const float* low;   // [elements] smallest values, where elements differ in their bounds
    const float* high;  // [elements]
    double norm;      // of the gradient, written by the backward pass
};

// A constant of single neurons, such as the decay of each, padded to whole vectors.
struct Constant {
    const float* value;  // [elements]
    float* gradient;     // [threads][elements], where what it follows from is learned
};

// One connection: arrays of its weights and delays, and what belongs to no parameter. Delays are as
// many as elements, or on the grid one per presynaptic neuron.
struct ConnectionBuffers {
    float* weight;              // [elements]
    float* delay;               // [delays]
    uint16_t* delay_steps;      // [delays] delays, rounded, or in sub-step timing:
    uint32_t* fixed_delay;      // [elements] delays in 1/65536 steps
    float* factor_s;            // [elements] weights times the synapse's share of propagators
    float* factor_k;            // [elements]
    float* factor_z;            // [elements]
    float* sums;                // [threads][elements][numbers] gradients of those shares
    const uint32_t* row_start;  // [pre + 1] where sparse
    const uint32_t* post;       // [synapses] where sparse
    float* weight_gradient;     // [threads][elements]
    float* delay_gradient;      // [threads][delays]
    uint8_t* touched;           // [threads][pre] rows with a gradient
};

// One call of the forward or the backward pass.
struct Batch {
    int32_t size;
    const int64_t* examples;    // [B] indices into the input events
    const int32_t* record_row;  // [B] row in the recordings, -1: not recorded
    const struct InputEvents* inputs;             // [populations]
    const struct PopulationBuffers* populations;  // [populations]
};

// Numbers of one step of Adam.
struct Adam {
    float alpha, beta1, beta2, epsilon, moment_scale1, moment_scale2;
};

// A network with its threads; only generated code looks inside.
struct Network;

// Checksum of this file as it was when the library was generated.
const char* mgd_abi_version(void);

// Null where memory or threads are missing.
struct Network* mgd_create(int num_threads);
void mgd_destroy(struct Network* network);

// Tables with an entry per connection, per parameter and per constant, empty at first.
struct ConnectionBuffers* mgd_connections(struct Network* network);
struct Parameter* mgd_parameters(struct Network* network);
struct Constant* mgd_constants(struct Network* network);

// Takes changed weights and delays over into the simulation.
void mgd_prepare(struct Network* network);

// 0: done, 1: out of memory, 3: a neuron spikes too often.
int mgd_forward(struct Network* network, const struct Batch* batch);

// Spikes that example b of the last batch emitted in a population; -1: it emits none.
// Their fractions of their steps in sub-step timing, else null.
int64_t mgd_spikes(const struct Network* network, int b, int population, const int32_t** steps,
                   const uint32_t** neurons, const float** fractions);

// Networks that are trained have these two. Backwards, the batch is that of the forward pass.
// 0: done, 1: out of memory.
int mgd_backward(struct Network* network, const struct Batch* batch);

// `adam` has an entry per parameter; those of parameters that are not learned are not read.
// 0: done, 1: out of memory, nothing was changed, 2: done, but not all values and moments are finite.
int mgd_adam(struct Network* network, const struct Adam* adam);
