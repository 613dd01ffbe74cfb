// `warder check --token-file`: what a token may do under a policy, claim by claim, without using it.

import type { Readable } from 'node:stream'
import { principalChain } from '../../core/principal.js'
import type { TokenReading } from '../../core/token-reading.js'
import { explainAccess, type RuleReading } from '../../policy/explain-access.js'
import { roleLines } from '../../policy/explain.js'
import { groupsOf, may } from '../../policy/match.js'
import type { Policy } from '../../policy/policy.js'
import { readTextFile } from '../connection.js'
import type { CliContext } from '../context.js'
import { EXIT } from '../exit-codes.js'
import { usageFailure } from '../failure.js'
import { columns, labelled, printJson } from '../output.js'
import { readPiped } from '../piped.js'

/** No token is longer; a gateway takes 16 KiB at most. */
const TOKEN_BYTES_MAX = 64 * 1024
const TOO_LONG = {
  message: 'What was piped in is too long for a token.',
  remedy: 'Pipe the token alone.',
}
/** Rules that don't fit are shown no more than this, the nearest first. */
const MISSED_RULE_COUNT_MAX = 20

/** Where the token is; it never stands in the arguments. */
export interface TokenOptions {
  readonly tokenFile?: string
  readonly token?: string
}

/** The token in a file or on standard input, or undefined when none is to be checked. @throws CliFailure */
export async function givenToken(
  options: TokenOptions,
  stdin: Readable,
): Promise<string | undefined> {
  const { tokenFile, token } = options
  if (token !== undefined && token !== '-')
    // The value is not repeated: it may well be the token.
    throw usageFailure(
      'A token was given as an argument, where others on this host can read it.',
      'Use --token-file FILE, or --token - and pipe it in. Have that token replaced.',
    )
  if (token !== undefined && tokenFile !== undefined)
    throw usageFailure('Two tokens are given.', 'Use one of --token-file and --token -.')
  if (token === undefined && tokenFile === undefined) return undefined
  const text =
    tokenFile === undefined
      ? await readPiped(stdin, TOKEN_BYTES_MAX, TOO_LONG)
      : await readTextFile(tokenFile, 'The token')
  if (text.trim() === '') throw usageFailure('The token is empty.', 'Check where it comes from.')
  return text.trim()
}

/**
 * Prints what the token is worth under the policy. 0 when it is accepted and some rule fits, 69 when its
 * issuer's keys could not be had, 77 when it is refused or no rule fits.
 */
export function showToken(
  { stdout }: CliContext,
  reading: TokenReading,
  policy: Policy,
  asJson: boolean,
): number {
  const { verdict, principal } = reading
  const rules = principal === undefined ? [] : explainAccess(policy, principal)
  const fitting = rules.filter(({ misses }) => misses.length === 0)
  if (asJson) {
    const decidesFor = principal === undefined ? [] : groupsOf(policy, principal)
    printJson(stdout, { ...reading, policyDigest: policy.digest, decidesFor, rules })
  } else {
    stdout.write(checksText(reading))
    stdout.write(claimsText(reading))
    stdout.write(principalText(reading, policy))
    stdout.write(rulesText(rules, fitting, policy))
    stdout.write(`\n${verdictText(reading, fitting.length)}\n`)
  }
  if (verdict === 'unproven') return EXIT.unreachable
  return verdict === 'accepted' && fitting.length > 0 ? EXIT.ok : EXIT.denied
}

const checksText = ({ checks }: TokenReading): string =>
  `Checks\n${indented(
    columns(checks.map(({ what, result, text }) => [result === 'note' ? '' : result, what, text])),
  )}`

const claimsText = ({ claims }: TokenReading): string =>
  claims.length === 0
    ? ''
    : `\nClaims\n${indented(
        columns(
          claims.map(({ claim, value, uses }) => [
            claim,
            value,
            uses.length === 0 ? '(not used)' : uses.join(', '),
          ]),
        ),
      )}`

function principalText({ principal, verdict }: TokenReading, policy: Policy): string {
  if (principal === undefined) return ''
  const duties = (['revoke', 'apply', 'audit'] as const).filter((duty) =>
    may(policy, principal, duty),
  )
  const lines = labelled([
    ['principal', principalChain(principal)],
    ['groups', principal.groups.join(', ')],
    ['behind it', principal.parties.join(', ')],
    ['also known as', principal.aliases.slice(1).join(', ')],
    ['decides for', groupsOf(policy, principal).join(', ')],
    ['duties', duties.join(', ')],
  ])
  const heading = verdict === 'accepted' ? 'It speaks for' : 'It would speak for'
  return `\n${heading}\n${indented(lines)}`
}

function rulesText(
  rules: readonly RuleReading[],
  fitting: readonly RuleReading[],
  policy: Policy,
): string {
  if (rules.length === 0) return ''
  const missed = rules
    .filter(({ misses }) => misses.length > 0)
    .toSorted((a, b) => distanceOf(a) - distanceOf(b))
  const shown = missed.slice(0, MISSED_RULE_COUNT_MAX)
  const roles = [...new Set(fitting.map(({ role }) => role))].flatMap((name) => {
    const role = policy.roles.get(name)
    return role === undefined ? [] : roleLines(role)
  })
  return [
    '\nAccess\n',
    indented(
      columns([
        ...fitting.map(({ label, gives }) => ['fits', label, gives]),
        ...shown.map(({ label, role, misses }) => ['no', label, `${role}: ${misses.join('; ')}`]),
      ]),
    ),
    missed.length > shown.length
      ? `  … and ${missed.length - shown.length} more that don't fit\n`
      : '',
    roles.length === 0 ? '' : `\nWith that\n${indented(`${roles.join('\n')}\n`)}`,
  ].join('')
}

/** Rules for other issuers come last: nothing in this token could make them fit. */
const distanceOf = ({ misses: [first = '', ...more] }: RuleReading): number =>
  first.startsWith('it is for callers of') ? 1_000 : more.length

function verdictText({ verdict, checks, principal }: TokenReading, fittingCount: number): string {
  if (verdict === 'unproven')
    return 'Not proven: nothing in it speaks against it, but its signature could not be checked, so anybody may have made it.'
  if (verdict === 'refused') {
    const why = checks.filter(({ result }) => result === 'no').map(({ what }) => what)
    return `Refused: ${why.join(', ')}.`
  }
  const name = principal?.issuer ?? ''
  if (fittingCount === 0)
    return `Accepted as a token of ${name}, but no access rule fits: it may do nothing.`
  return `Accepted: ${fittingCount} access rule${fittingCount === 1 ? ' fits' : 's fit'}. It was not used.`
}

const indented = (text: string): string => text.replace(/^(?=.)/gm, '  ')
