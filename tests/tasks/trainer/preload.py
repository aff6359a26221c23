"""What takes long to import in a training process; the forkserver of the tests does it once."""

import trl.chat_template_utils

import tasks.trainer.finishing
import tasks.trainer.train
import tasks.trainer.watching

LOADED = (tasks.trainer.finishing, tasks.trainer.train, tasks.trainer.watching, trl.chat_template_utils)
