"""Data sets of tonic: any of them as flat events, and the tasks of the package that are read by it.

tonic (https://tonic.readthedocs.io) is under the GNU General Public License, version 3. Nothing
here needs it but what fetches and reads files: it is imported there, and nothing of it is copied.
``from_tonic`` takes any data set with a length that gives pairs of structured events and labels.
"""

from .convert import from_tonic
from .heidelberg import load_shd, load_ssc
from .nmnist import load_nmnist

__all__ = ["from_tonic", "load_nmnist", "load_shd", "load_ssc"]
