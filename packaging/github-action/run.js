'use strict';
const { spawnSync } = require('node:child_process');

/** Says why, and ends. */
function fail(why) {
  console.log(`::error::${String(why).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')}`);
  process.exit(1);
}

/** Runs a program in this job's surroundings, and ends with it if it fails. */
function run(file, words) {
  const done = spawnSync(file, words, { stdio: 'inherit' });
  if (done.error) fail(`${file} cannot be run: ${done.error.message}`);
  if (done.status !== 0) process.exit(done.status || 1);
}

module.exports = { run, fail };
