"""What can be put right without asking. Nothing is deleted: damaged bytes move to `.dvc/damaged`.

object damaged     replaced by a copy of a good file of the working tree, where one has these bytes;
                   otherwise taken out of DVC's sight, so that it cannot be handed out again
remote             what is then missing is fetched, if a remote is configured
output differs     its differing files move aside; `dvc checkout` puts back what the cache holds whole
"""

import os
from dataclasses import dataclass
from pathlib import Path

from orchestration.verify.cache import DIR, MOVED_ASIDE, Cache, Hasher
from orchestration.verify.dvc_command import has_remote, run_dvc
from orchestration.verify.outputs import FileDifference, Recorded, differences_of, recorded_outputs


@dataclass
class Repair:
    """A repair of one project; `done` says in words what was done."""

    root: Path
    done: list[str]

    def run(self, damaged: list[str], different: list[FileDifference]) -> None:
        """Put right what `mu0 verify` has found.

        Args:
            damaged: md5 names of cache objects with other bytes.
            different: Files of outputs that are not as recorded.
        """
        cache = Cache.of(self.root)
        outputs = recorded_outputs(self.root)
        broken = {difference.output for difference in different}
        broken |= {output for output in outputs if set(cache.members(output.md5)) & set(damaged)}
        for md5 in damaged:
            self._mend_object(cache, md5, outputs)
        self._fetch(cache, [output for output in broken if not cache.is_whole(output.md5, Hasher())])
        for output in sorted(broken, key=lambda each: each.path):
            self._mend_output(cache, output)

    def _mend_object(self, cache: Cache, md5: str, outputs: list[Recorded]) -> None:
        donor = _donor(self.root, cache, md5, outputs)
        aside = cache.move_aside(md5, self.root)
        if donor is None:
            self.done.append(f"the damaged object {md5} was moved to {aside.relative_to(self.root)}")
            return
        cache.put(md5, donor)
        self.done.append(f"the damaged object {md5} was replaced by a copy of {donor.relative_to(self.root)}")

    def _fetch(self, cache: Cache, outputs: list[Recorded]) -> None:
        if outputs and has_remote(self.root):
            names = sorted(output.path for output in outputs)
            answer = run_dvc(self.root, "fetch", *names)
            whole = [output.path for output in outputs if cache.is_whole(output.md5, Hasher())]
            self.done += [f"{path} was fetched from the remote" for path in sorted(whole)]
            if answer.returncode:
                self.done.append(f"`dvc fetch` said: {answer.stderr.strip().splitlines()[-1]}")

    def _mend_output(self, cache: Cache, output: Recorded) -> None:
        hasher = Hasher()
        different = list(differences_of(self.root, output, cache, hasher))
        if not different:
            return
        whole = cache.is_whole(output.md5, hasher)
        for difference in different:
            if difference.found and (whole or difference.path != output.path or not output.md5.endswith(DIR)):
                self._set_aside(difference.path)
        if whole:
            run_dvc(self.root, "checkout", "--force", output.path)
            if not list(differences_of(self.root, output, cache, Hasher())):
                self.done.append(f"{output.path} was put back from DVC's cache")

    def _set_aside(self, name: str) -> None:
        goal = self.root / MOVED_ASIDE / "files" / name
        goal.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self.root / name, goal)  # noqa: PTH105 — replaces what an earlier repair left
        self.done.append(f"{name} was moved to {goal.relative_to(self.root)}")


def _donor(root: Path, cache: Cache, md5: str, outputs: list[Recorded]) -> Path | None:
    """A file of the working tree with the bytes that the object should have."""
    hasher = Hasher()
    for output in outputs:
        listing = {"": output.md5} if not output.md5.endswith(DIR) else cache.listing(output.md5) or {}
        for relative, member in listing.items():
            path = root / output.path / relative if relative else root / output.path
            if member == md5 and path.is_file() and hasher.md5(path) == md5:
                return path
    return None
