import numpy as np
import pytest

from mlgenn_delays.callbacks import BatchProgressBar, Callback
from mlgenn_delays.program.exchange import RecordRequest
from mlgenn_delays.training.callback_list import CallbackList

EVENTS = [
    ("on_train_begin",),
    ("on_train_end", {}),
    ("on_test_begin",),
    ("on_test_end", {}),
    ("on_epoch_begin", 1),
    ("on_epoch_end", 1, {}),
    ("on_batch_begin", 2),
    ("on_batch_end", 2, {}),
]


class Log(Callback):
    def __init__(self, log, name=None):
        self.log, self.name, self.is_first = log, name, False

    def __getattr__(self, method):
        if method.startswith("on_timestep") or not method.startswith("on_"):
            raise AttributeError(method)
        return lambda *args: self.log.append((self.name, method, *args))

    def set_params(self, **params):
        self.params = params

    def set_first(self):
        self.is_first = True


def test_all_events_in_order():
    log = []
    callbacks = CallbackList([Log(log, "a"), Log(log, "b")])
    for event, *args in EVENTS:
        getattr(callbacks, event)(*args)
    assert log == [(name, *event) for event in EVENTS for name in "ab"]


def test_params_and_first():
    first, second = Log([]), Log([])
    callbacks = CallbackList([first, second], num_batches=3)
    assert (first.is_first, second.is_first) == (True, False)
    assert first.params["num_batches"] == 3
    assert first.params["data"] is second.params["data"]
    assert callbacks[0] is first
    assert len(callbacks) == 2


def test_callbacks_without_methods():
    callbacks = CallbackList([Callback()])
    for event, *args in EVENTS:
        getattr(callbacks, event)(*args)
    assert callbacks.get_data() == {}
    assert callbacks.recording_requests(0, 4) == []


def test_any_object_with_methods():
    class Own:
        def on_epoch_end(self, epoch, metrics):
            self.epoch = epoch

    own = Own()
    CallbackList([own]).on_epoch_end(5, {})
    assert own.epoch == 5


def test_names():
    assert isinstance(CallbackList(["batch_progress_bar"])[0], BatchProgressBar)
    with pytest.raises(ValueError, match="Callback 'nonsense' is unknown"):
        CallbackList(["nonsense"])


@pytest.mark.parametrize("callback", [3, object(), None, BatchProgressBar])
def test_no_callback(callback):
    with pytest.raises(TypeError, match="callbacks should be names or objects with methods"):
        CallbackList([callback])


@pytest.mark.parametrize("callbacks", [None, "batch_progress_bar", 3])
def test_no_sequence(callbacks):
    with pytest.raises(TypeError, match=f"should be a sequence of .* not {callbacks!r}"):
        CallbackList(callbacks)


@pytest.mark.parametrize("method", ["on_timestep_begin", "on_timestep_end"])
def test_timestep_callbacks_are_refused(method):
    callback = type("Old", (Callback,), {method: lambda self, timestep: None})()
    with pytest.raises(TypeError, match=rf"Old defines {method}: .* use VarRecorder or SpikeRec"):
        CallbackList([callback])


class Keyed(Callback):
    def __init__(self, key):
        self.key = key

    def get_data(self):
        return self.key, [self.key]


def test_data():
    assert CallbackList([Keyed("a"), Keyed("b")]).get_data() == {"a": ["a"], "b": ["b"]}
    with pytest.warns(UserWarning, match=r"callback 1 \(Keyed\) has no key, 1 is used"):
        assert CallbackList([Keyed("a"), Keyed(None)]).get_data() == {"a": ["a"], 1: [None]}


def test_keys_are_compared_before_anything_runs():
    message = "key 'a' belongs to more than one callback"
    with pytest.raises(KeyError, match=message):
        CallbackList([Keyed("a"), Keyed(None), Keyed("a")])
    with pytest.raises(KeyError, match="key 1 belongs to more than one callback"):
        CallbackList([Keyed(1), Keyed(None)])
    late = CallbackList([Keyed("a"), Keyed("b")])
    late[1].key = "a"
    with pytest.raises(KeyError, match=message):
        late.get_data()


class Asking(Callback):
    def __init__(self, *examples):
        self.request = RecordRequest(np.array(examples), frozenset({1}), frozenset({(2, "V")}))

    def recording_request(self, batch, batch_size):
        return self.request if batch == 0 else None


def test_requests_of_those_that_ask():
    first, second = Asking(True, False), Asking(False, False)
    callbacks = CallbackList([first, Callback(), second])
    assert callbacks.recording_requests(0, 2) == [first.request, second.request]
    assert callbacks.recording_requests(1, 2) == []
