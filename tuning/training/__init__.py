"""Training an adapter, and proving that it does what it claims.

    settings.py      every number that matters; `method`, `weights`, `variant` by name
    task.py          what is to be trained, and its identity
    methods.py       the stages by which each method trains
    stages.py        the two seams: `Objective` and `Adaptation`; `Stage` has one objective
    objectives/      what is learnt from: rows, and the TRL trainer that learns from them
    adaptations/     which weights change, and how they are kept, published and switched off
    rewards.py       scorers as rewards; rollouts.py and looking.py write and judge the answers
    reward_hacking.py  whether a reward was cheated; policy_chain.py makes the stages
    rlhf_chain.py   pairs, a reward model of them, a policy; learnt_reward.py is its reward
    beside.py       what stages leave in the adapter's folder: the pairs that were drawn
    fitting.py       stages trained one after another, each from its last whole checkpoint
    watch.py         looks, early stop, the best weights, sealed checkpoints
    train.py         from a task to a folder that proves itself whole

To add a method, write

1. a row in `evals.suite.tune_methods.METHODS`, with the weights it may change and, where it has
   settings of its own, a frozen dataclass of `setting(...)` fields. They are read from
   `tune.<method>:` in `suite.yaml` and stand in `TrainSettings.own`;
2. an `Objective` in `objectives/`: `fingerprint()` of its rows and of all else that decides,
   `open(course)` for the TRL trainer (`course.model` is wrapped already and has the weights to
   begin from, so give the trainer no `peft_config`; pass on `course.callbacks`; checkpoint under
   `course.scratch` with `save_steps`), `learnt(curve)` for its proof and `measured(log)` for its
   record. What it draws at random it draws from `course.settings.seed`;
3. a function in `methods.CHAINS` that makes the stages of it:

       def preferred(task: Task, sources: Sources) -> tuple[Stage, ...]:
           short = task.fine_tuning(epochs=0.5)            # supervised fine-tuning first
           own = replace(task.settings, learning_rate=5e-5, epochs=1.0)
           return (short, Stage("dpo", PairObjective(pairs_of(sources.suite)), own))

A stage begins with the best weights of the one before; which step is best is told by the
held-out loss, or by `Stage.look`, a score of the model as it stands. Checkpoints, resuming,
early stop, publication, the shared proofs and the record come with the seam. `fit_stage` trains
one stage by itself, for what is no adapter of the job: a reward model. An objective that trains
such a thing as a stage of a chain is `Helping`; the adapter stays as it is meanwhile.

To change other weights, write an `Adaptation` in `adaptations/` (for another adapter of PEFT a
function in `adaptations/kinds.py` is enough), name it in `adaptation_of` and in
`evals.suite.tune_weights.WEIGHTS`, and see that `evals.models.adapters` attaches it:
`evals.models.adapter_kinds` says how it looks before training.
"""
