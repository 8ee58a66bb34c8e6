"""Row "keras-cnn-256": a Keras CNN of the tutorials on 256 x 256 grey images, TensorFlow backend, Adam.

Usage: keras_cnn.py SIZE BATCH THREADS
"""
import os
import sys
import time

os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tensorflow as tf

from peer import report, versions

size, batch, threads = map(int, sys.argv[1:4])
tf.config.threading.set_intra_op_parallelism_threads(threads)
versions("keras", "tensorflow-cpu")
random = np.random.default_rng(0)
images = random.random((batch, size, size, 1), dtype=np.float32)
targets = random.integers(0, 2, (batch, 1)).astype(np.float32)
for policy in ("float32", "mixed_bfloat16"):
    keras.mixed_precision.set_global_policy(policy)
    model = keras.Sequential([keras.Input((size, size, 1))])
    for width in (32, 64, 128):
        model.add(keras.layers.Conv2D(width, 3, activation="relu"))
        model.add(keras.layers.MaxPooling2D())
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(128, activation="relu"))
    model.add(keras.layers.Dense(1, activation="sigmoid", dtype="float32"))
    model.compile("adam", "binary_crossentropy")
    data = tf.data.Dataset.from_tensors((images, targets)).repeat()
    model.fit(data, steps_per_epoch=3, verbose=0)
    shortest = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        model.fit(data, steps_per_epoch=6, verbose=0)
        shortest = min(shortest, time.perf_counter() - start)
    report(f"Keras {policy}", 6 * batch / shortest, "images/s", memory=True)
