/** Asks the service of this container whether it is ready. Exit code 0 if it is. */
const TIMEOUT_MS = 4_000;

try {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`, { signal });
  // Docker shows the end of this beside the state of the container.
  console.log(await response.text());
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
