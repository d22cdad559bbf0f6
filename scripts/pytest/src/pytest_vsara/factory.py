"""Modules for one test."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Optional, Union

from .errors import EndedByItself
from .modem import Modem
from .options import Options


class ModemFactory:
    """Makes modules; the fixture `sara_factory` is one, and ends them all with the test.

    `sara_factory(profile="sara-r410m-83b")` is another module with a security service of its own,
    `sara_factory(service=sara)` one more on the service of `sara`, `sara_factory(clone_of=sara)` a copy
    of `sara` as it is now on the same service.
    """

    def __init__(self, binary: str, folder: Path, options: Options) -> None:
        #: Every module made, running or not, in the order of their making.
        self.modems: list[Modem] = []
        self._binary = binary
        self._folder = folder
        self._options = options

    def __call__(
        self,
        name: Optional[str] = None,
        *,
        clone_of: Optional[Modem] = None,
        profile: Optional[str] = None,
        time: Optional[str] = None,
        timing: Optional[str] = None,
        service: Union[str, Modem, None] = None,
        rot: Optional[str] = None,
        seed: Optional[int] = None,
        log: Optional[str] = None,
        args: Optional[Sequence[str]] = None,
    ) -> Modem:
        """A running module. What is not said here is as the test's marker and the settings say.

        `name` is what its state directory and its section of a report are called.
        """
        name = name or f"sara{len(self.modems) + 1}"
        state = self._folder / name
        if "/" in name or any(modem.state == state for modem in self.modems):
            raise ValueError(f"a name is no path, and of one module only: {name!r}")
        options = self._options
        if clone_of is not None:
            if profile is not None or rot is not None:
                raise TypeError("a clone has the profile and the root of trust of its original")
            options = replace(options, profile=None, rot=None)
            service = service or clone_of
            clone_of.ctl("clone", state)
        options = options.but(
            profile=profile,
            time=time,
            timing=timing,
            service=service.service or "none" if isinstance(service, Modem) else service,
            rot=rot,
            seed=seed,
            log=log,
            args=args,
        )
        service_of = service if isinstance(service, Modem) else None
        modem = Modem(self._binary, state, options, name, service_of)
        self.modems.append(modem)
        return modem

    def end(self) -> None:
        """Ends every module, the youngest first; raises EndedByItself if one had gone before."""
        wrong = [reason for reason in map(_end, reversed(self.modems)) if reason]
        if wrong:
            raise EndedByItself("; ".join(wrong))


def _end(modem: Modem) -> Optional[str]:
    """Ends a module; what is wrong with it, if anything."""
    if modem.was_ended:
        return None
    try:
        status = modem.stop()
    except EndedByItself as error:
        return f"{modem.name}: {error}"
    return f"{modem.name}: vsara ended with status {status}" if status else None
