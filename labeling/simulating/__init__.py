"""Try what asking would cost and bring, before anybody is paid: recorded or made-up people answer through the very
flows that serve real ones, in a database of their own."""

from labeling.simulating.recorded import Recording, Unreadable, read
from labeling.simulating.replaying import Replay
from labeling.simulating.scenes import Scene, Staged, Unplayable, staged

__all__ = ["Recording", "Replay", "Scene", "Staged", "Unplayable", "Unreadable", "read", "staged"]
