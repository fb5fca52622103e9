"""mlGeNN's name of what is done with data sets of spikes."""

from ..datasets.yin_yang import generate_yin_yang_dataset
from ..events.data import (
    DataDictType,
    batch_dataset,
    batch_spikes,
    calc_latest_spike_time,
    calc_max_spikes,
    calc_start_spikes,
    get_dataset_size,
    linear_latency_encode_data,
    log_latency_encode_data,
    permute_dataset,
    split_dataset,
)
from ..events.spikes import (
    PreprocessedSpikes,
    preprocess_spikes,
    preprocess_tonic_spikes,
    preprocess_tonic_spikes_separate,
)

__all__ = [
    "DataDictType",
    "PreprocessedSpikes",
    "batch_dataset",
    "batch_spikes",
    "calc_latest_spike_time",
    "calc_max_spikes",
    "calc_start_spikes",
    "generate_yin_yang_dataset",
    "get_dataset_size",
    "linear_latency_encode_data",
    "log_latency_encode_data",
    "permute_dataset",
    "preprocess_spikes",
    "preprocess_tonic_spikes",
    "preprocess_tonic_spikes_separate",
    "split_dataset",
]
