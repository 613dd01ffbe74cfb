// The detectors there are, by the names that a policy uses. Data only.

/** Every detector, in the order of the reference page. */
export const DETECTOR_NAMES = [
  'credit-card',
  'email',
  'phone',
  'ssn',
  'iban',
  'jwt',
  'aws-key',
  'github-token',
  'slack-token',
  'api-key',
  'private-key',
  'url-password',
] as const

/** The name of a detector. */
export type DetectorName = (typeof DETECTOR_NAMES)[number]
