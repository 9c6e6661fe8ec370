"""The one exception for bad input, and how a command shows it."""

import sys
from collections.abc import Callable


class InputError(Exception):
    """Something a person can mend: names the file, the field, what was found and what to do.

    It prints as one paragraph. Commands wrapped in `run_command` show it without a traceback and exit with code 1.
    """

    def __init__(self, problem: str, *, fix: str, file: object = None, field: str | None = None, found: object = None):
        self.problem, self.fix, self.file, self.field, self.found = problem, fix, file, field, found
        where = ": ".join(str(part) for part in (file, field) if part is not None)
        text = f"{where}: {problem}" if where else problem
        if found is not None:
            text += f" Found: {found}."
        super().__init__(" ".join(f"{text} {fix}".split()))

    def __reduce__(self) -> tuple[Callable[..., "InputError"], tuple[object, ...]]:
        # Exceptions cross process borders (data loader workers); the default recipe cannot pass keyword arguments.
        return _rebuild, (self.problem, self.fix, self.file, self.field, self.found)


def _rebuild(problem: str, fix: str, file: object, field: str | None, found: object) -> InputError:
    return InputError(problem, fix=fix, file=file, field=field, found=found)


def run_command(main: Callable[[], object]) -> None:
    """Run a command line's `main`; an `InputError` becomes one paragraph on stderr and exit code 1."""
    try:
        main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("error: interrupted.", file=sys.stderr, flush=True)
        raise SystemExit(130) from None
