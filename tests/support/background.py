"""A thread that does one thing again and again, until the `with` block around it is left.

    with SomeBackground() as background:
        ...

What goes wrong in it is raised where it is stopped.
"""

import threading


class Background(threading.Thread):
    # Seconds between two steps.
    every = 0.05

    def __init__(self):
        super().__init__(daemon=True)
        self._stop_asked = threading.Event()
        self._failure = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def step(self):
        raise NotImplementedError

    def run(self):
        try:
            while not self._stop_asked.wait(self.every):
                self.step()
        except Exception as failure:  # pylint: disable=broad-except
            self._failure = failure

    def stop(self):
        self._stop_asked.set()
        self.join()
        if self._failure:
            raise self._failure
