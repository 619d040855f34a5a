"""What the owner of a run may ask of it, and what everybody may start. Requests go into the store, for the workers."""

import secrets
from collections.abc import Sequence
from dataclasses import replace

from cifar_core.config import CHANGEABLE, TrainConfig
from cifar_core.data.image_set import Splits
from cifar_core.errors import RunError
from cifar_core.mistakes import training_images
from cifar_core.runs.admission import Admission
from cifar_core.runs.bundle import bundle
from cifar_core.runs.images import images_of
from cifar_core.runs.pairs import BASELINE, QUIZ, QUIZ_MISTAKES, check_mistake, plain, quiz_config
from cifar_core.runs.records import Run, RunChange, new_run
from cifar_core.runs.tables.holder import Holder
from cifar_core.training.control import Change
from cifar_core.training.events import Changed


class RunCommands(Admission):
    """Starts runs and commands them, within the limits.

    Every method that takes a run's id raises RunError if there is no such run, or it is somebody else's.
    """

    def start(
        self,
        owner: str,
        config: TrainConfig,
        data: Splits,
        changes: Sequence[Change] = (),
        *,
        address: str | None = None,
    ) -> Run:
        """Start a training for the visitor with the secret key `owner`; it begins within a fraction of a second.

        `changes` are made at their steps, as they were in a run that is to be repeated. `address` is whatever tells
        visitors apart who make themselves many keys, such as their internet address; None if there is no such thing.

        Raises CifarError, with the bound in its sentence, if that would be too much.
        """
        self._check_start(owner)
        images = len(training_images(config, data))
        versions = (config, *(config.changed({change.name: change.value}) for change in changes))
        for one in versions:
            self.check_settings(one, images)
        steps, holder = max(one.steps(images) for one in versions), Holder.of(owner, address)
        with self._starting:
            self._check_rate(holder)
            active = self._make_room(holder)
            folder = data.folder.resolve()  # the next server may be started in another folder
            run = new_run(secrets.token_hex(8), config, folder, images, self._least_loaded(active)[0])
            run = replace(run, data_sha256=data.sha256 or None)
            # each mark is written anew when its change is made, with what is then true
            marks = [Changed(one.step, one.step * config.batch_size, one.name, one.value, steps) for one in changes]
            self.store.add(run, owner, marks, address)
        return run

    def start_pair(
        self,
        owner: str,
        config: TrainConfig,
        mistake: str,
        data: Splits,
        *,
        quiz: bool = False,
        address: str | None = None,
    ) -> tuple[Run, Run]:
        """Start a baseline and a run that differs from it by `mistake`; with `quiz` the mistake is to be guessed.

        Raises CifarError if they may not be started; then none of the two is.
        """
        check_mistake(mistake, quiz=quiz)
        self._check_start(owner)
        configs, holder = (config, replace(config, mistake=mistake)), Holder.of(owner, address)
        for one in configs:
            self.check_settings(one, len(training_images(one, data)))
        names = (BASELINE, QUIZ if quiz else plain(mistake))
        ids, folder, runs = (secrets.token_hex(8), secrets.token_hex(8)), data.folder.resolve(), list[Run]()
        with self._starting:
            self._check_rate(holder, 2)
            active = self._make_room(holder, 2)
            for run_id, name, one in zip(ids, names, configs, strict=True):
                images, worker = len(training_images(one, data)), self._least_loaded([*active, *runs])[0]
                run = new_run(run_id, one, folder, images, worker, kind="quiz" if quiz else "lab", pair=ids[0])
                runs.append(replace(run, name=name, data_sha256=data.sha256 or None))
            baseline, faulty = runs
            self.store.add_pair(baseline, faulty, owner, address)
        return baseline.public, faulty.public

    def start_quiz(self, owner: str, data: Splits, *, address: str | None = None) -> tuple[Run, Run]:
        """Start a pair with a mistake and a seed that nobody has chosen, and that is to be guessed."""
        config = quiz_config(len(data.train))
        return self.start_pair(owner, config, secrets.choice(QUIZ_MISTAKES), data, quiz=True, address=address)

    def solve(self, owner: str, run_id: str) -> Run:
        """Give the mistake of one's own quiz away; what is solved stays as it is."""
        run = self._own(owner, run_id)
        if run.secret:
            name = f"{QUIZ}: {plain(run.config.mistake)}" if run.name == QUIZ else None  # its owner may have renamed it
            self.store.change(run_id, RunChange(secret=False, name=name))
        return self.find(run_id)

    def stop_pair(self, owner: str, pair: str) -> None:
        """End both trainings of one's own pair."""
        both = self.pair(owner, pair)
        for run in (both.baseline.run, both.faulty.run):
            self.stop(owner, run.id)

    def stop(self, owner: str, run_id: str) -> Run:
        """End the training of one's own run; its Net is then tested as at the end of a whole one."""
        return self._ask(owner, run_id, "stop")

    def pause(self, owner: str, run_id: str) -> Run:
        """Pause one's own run until `resume`."""
        return self._ask(owner, run_id, "pause")

    def resume(self, owner: str, run_id: str) -> Run:
        """Let one's own paused run continue. Raises RunError if all places are taken by then."""
        with self._starting:
            run = self._own(owner, run_id)
            if run.state == "paused":
                self._make_room(self.store.holders()[run_id], paused=run_id)
            return self._ask(owner, run_id, "resume")

    def change(self, owner: str, run_id: str, **settings: float) -> Run:
        """Change learning rate, momentum or batch size of one's own run from its next mini-batch on.

        Values as they are already do nothing. Raises ConfigError for one out of bounds, RunError for another setting.
        """
        run = self._own(owner, run_id)
        if set(settings) - set(CHANGEABLE):
            raise RunError(f"Only {', '.join(CHANGEABLE)} can change while a run is active.")
        if not run.active or run.state == "testing":
            raise RunError("This run has ended; let it train on first, or start another.")
        # what was asked before and is not in force yet counts too; read first, for it may be handled meanwhile
        asked = self.store.requests_of(run_id)
        now = self._snapshot(run_id).config
        for request in asked:
            now = now.changed(request.arguments)
        wanted = now.changed(settings)
        if wanted.steps(run.images) > self.limits.steps:
            raise RunError(f"So small a batch needs more than the {self.limits.steps:,} mini-batches allowed here.")
        if wanted.lines(run.images) > self.limits.lines:
            raise RunError(
                f"So small a batch gives more than the {self.limits.lines:,} lines in the log allowed here, because "
                f"this run writes one every {run.config.report_every:,} mini-batches; start another run with it."
            )
        new = {name: getattr(wanted, name) for name in settings if getattr(wanted, name) != getattr(now, name)}
        if new:
            self.store.ask(run, "change", **new)
        return run.public

    def train_on(self, owner: str, run_id: str, epochs: int) -> Run:
        """Let one's own ended run continue from where it stands, to `epochs` more whole epochs."""
        if isinstance(epochs, bool) or not isinstance(epochs, int | float) or epochs < 1 or epochs % 1:
            raise RunError(f"More epochs must be a whole number from 1; {epochs!r:.40} is not.")
        with self._starting:  # of two clicks at once the second then finds it active
            run = self._own(owner, run_id)
            if run.active or run.checkpoint < 0:
                raise RunError("Only a run that has ended and saved its weights can train on.")
            total = run.seen // run.images + int(epochs)
            if run.busy > 60 * self.limits.minutes:
                raise RunError(f"This run has had its {self.limits.minutes} minutes of work; start another.")
            images_of(run)  # which may have been replaced
            wanted = self._snapshot(run_id).config.changed({"epochs": total})
            if wanted.steps(run.images) > self.limits.steps:
                raise RunError(
                    f"That would be more than the {self.limits.steps:,} mini-batches that a run may have here."
                )
            self.check_settings(wanted, run.images)
            self._check_disk()
            config = run.config.changed({"epochs": total, "stop_rule": "none"})  # its rule would be met at once
            active = self._make_room(self.store.holders()[run_id])
            self.store.restart(run, config, self._least_loaded(active)[0])
        return self.find(run_id)

    def rename(self, owner: str, run_id: str, name: str) -> Run:
        """Give one's own run another name, of 1 to 60 characters."""
        self._own(owner, run_id)
        name = " ".join(str(name).split())
        if not 1 <= len(name) <= 60 or not name.isprintable():
            raise RunError("A name must have 1 to 60 characters.")
        self.store.change(run_id, RunChange(name=name))
        return self.find(run_id)

    def delete(self, owner: str, run_id: str) -> None:
        """Remove one's own ended run and its weights for good."""
        self._own(owner, run_id)
        if not self.store.remove(run_id):
            raise RunError("This run is still active; stop it first.")

    def bundle(self, owner: str, run_id: str) -> bytes:
        """Return everything about one's own run, in a zip (see `bundle.py`)."""
        return bundle(self.store, self._own(owner, run_id))

    def _ask(self, owner: str, run_id: str, kind: str) -> Run:
        run = self._own(owner, run_id)
        if run.active:
            self.store.ask(run, kind)
        return run.public
