'use strict';
// The end of the job: its pass is revoked. It would end by itself within minutes, so a server that
// cannot be reached is worth a warning, and no failed job.
const { spawnSync } = require('node:child_process');

const program = process.env.STATE_program;
if (program) {
  const done = spawnSync(program, ['logout', '--require-revoke'], { stdio: 'inherit' });
  if (done.status !== 0) {
    console.log('::warning::the pass of this job could not be revoked; it ends by itself in minutes');
  }
}
