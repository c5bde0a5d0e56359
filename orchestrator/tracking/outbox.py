"""The outbox: records that one thread writes to MLflow, in order, kept while it does not answer."""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable

# between tries, while the server does not answer
PAUSES = (0.5, 1.0, 2.0, 5.0)
# tries of a record at which the server itself fails
TRIES = 3
CLOSING_SECONDS = 10.0

Record = Callable[[], object]


class Outbox:
    """Takes records at once and writes them beside the work.

    A record may be written twice, where the answer to the first time was lost: it has to be one
    that can be.
    """

    def __init__(self, server: str) -> None:
        """Take what the server is called in messages."""
        self._server = server
        self._records: deque[Record] = deque()
        self._changed = threading.Condition()
        self._failed_tries = 0
        self._told_away = False
        self._refused = 0
        self._closing = False
        self._ended = False
        self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
        self._thread.start()

    def put(self, *records: Record) -> None:
        """Take records, to be written in this order."""
        with self._changed:
            self._records.extend(records)
            self._changed.notify_all()

    def close(self) -> int:
        """Wait until all is written or a server away is not back soon; return how many are left."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            gives_up: float | None = None
            while self._records:
                if not self._failed_tries:
                    gives_up = None
                elif gives_up is None:
                    gives_up = time.monotonic() + CLOSING_SECONDS
                elif time.monotonic() > gives_up:
                    break
                self._changed.wait(0.2)
            self._ended = True
            self._changed.notify_all()
            left = len(self._records)
        if left:
            self._say(
                f"{self._server} still does not answer: {_count(left)} not there. Nothing is lost: "
                "everything is in the store, and the same command sends the rest"
            )
        return left

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._records or self._ended)
                if self._ended:
                    return
                record = self._records[0]
            try:
                record()
            except Exception as error:  # whatever it is, the run goes on
                self._take_failure(error)
                continue
            self._done()

    def _done(self) -> None:
        with self._changed:
            kept = len(self._records)
            self._records.popleft()
            self._failed_tries = 0
            self._changed.notify_all()
        if self._told_away:
            self._told_away = False
            self._say(f"{self._server} is back; {_count(kept)} sent now")

    def _take_failure(self, error: Exception) -> None:
        """Wait before the next try, or drop a record that is refused."""
        with self._changed:
            self._failed_tries += 1
            tries, kept = self._failed_tries, len(self._records)
        away = is_away(error)
        if is_refusal(error) or (not away and tries >= TRIES):
            if not self._refused:
                cause = " ".join(f"{type(error).__name__}: {error}".split())[:300]
                self._say(f"{self._server} refused a record, and the run goes on ({cause})")
            self._refused += 1
            with self._changed:
                self._records.popleft()
                self._failed_tries = 0
                self._changed.notify_all()
            return
        if away and tries == 2 and not self._told_away:
            self._told_away = True
            self._say(f"{self._server} does not answer; training goes on, {_count(kept)} kept")
        pause = PAUSES[min(tries, len(PAUSES)) - 1]
        with self._changed:
            self._changed.wait_for(lambda: self._ended, 0.5 if self._closing else pause)

    def _say(self, line: str) -> None:
        print(f"tracking: {line}", file=sys.stderr, flush=True)


def is_away(error: BaseException) -> bool:
    """Whether a failure says that the server cannot be reached, or SQLite is locked."""
    import requests
    from mlflow.exceptions import MlflowException

    status = None
    if isinstance(error, MlflowException):
        status = error.get_http_status_code()
    if isinstance(error, requests.RequestException):
        if error.response is None:
            # what MLflow makes of an answer 500
            return "500 error" not in str(error)
        status = error.response.status_code
    if status in (408, 429, 502, 503, 504):
        return True
    # MLflow wraps what happened
    inner = error.__cause__ or error.__context__
    return inner is not None and is_away(inner)


def is_refusal(error: BaseException) -> bool:
    """Whether a failure is the record's own: writing it again would fail again."""
    return not is_away(error) and not is_servers_fault(error)


def is_servers_fault(error: BaseException) -> bool:
    """Whether a failure is the server's own (500), which may pass, and not the record's."""
    import requests
    from mlflow.exceptions import MlflowException

    if isinstance(error, MlflowException):
        return int(error.get_http_status_code()) >= 500
    return isinstance(error, requests.RequestException)


def _count(records: int) -> str:
    return "1 record is" if records == 1 else f"{records} records are"
