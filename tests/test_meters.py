"""What is counted below the surfaces."""

import subprocess
import sys

COUNTED_AT_ONCE = """
import threading
from mediatheque import meters

threads, failures = 8, []
start = threading.Barrier(threads)

def count(name):
    start.wait()
    try:
        with meters.timed(name, "somebody"):
            pass
    except Exception as error:
        failures.append(error)

for name in (meters.RUN, meters.STORE, meters.MODEL):
    counting = [threading.Thread(target=count, args=(name,)) for _ in range(threads)]
    for it in counting:
        it.start()
    for it in counting:
        it.join()
print(failures)
"""


def test_threads_that_count_something_for_the_first_time_at_once_do_not_disturb_one_another() -> None:
    answer = subprocess.run([sys.executable, "-c", COUNTED_AT_ONCE], capture_output=True, text=True, timeout=60)
    assert (answer.stdout, answer.stderr) == ("[]\n", "")
