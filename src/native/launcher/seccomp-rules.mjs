// The C form of a seccomp profile (OCI and Docker's JSON): a table of rules for seccomp.c.

const OPERATORS = new Map([
  ['SCMP_CMP_EQ', 'OP_EQ'],
  ['SCMP_CMP_NE', 'OP_NE'],
  ['SCMP_CMP_MASKED_EQ', 'OP_MASKED_EQ'],
  ['SCMP_CMP_LT', 'OP_LT'],
  ['SCMP_CMP_LE', 'OP_LE'],
  ['SCMP_CMP_GT', 'OP_GT'],
  ['SCMP_CMP_GE', 'OP_GE'],
])
const EPERM = 1
const NAME = /^[a-z][a-z0-9_]*$/

function action({ action: name, errnoRet = EPERM }) {
  if (name === 'SCMP_ACT_ALLOW') return 'RET_ALLOW'
  if (name === 'SCMP_ACT_ERRNO' && Number.isInteger(errnoRet) && errnoRet > 0 && errnoRet < 4096)
    return `RET_ERRNO | ${errnoRet}u`
  throw new Error(`seccomp profile: action ${name} with errno ${errnoRet} is not known`)
}

function argument({ index, op, value, valueTwo = 0 }) {
  const operator = OPERATORS.get(op)
  for (const number of [value, valueTwo])
    if (!Number.isSafeInteger(number) || number < 0)
      throw new Error(`seccomp profile: ${number} is not a number that JSON holds exactly`)
  if (operator === undefined || !Number.isInteger(index) || index < 0 || index > 5)
    throw new Error(`seccomp profile: comparison ${op} of argument ${index} is not known`)
  // In the profile MASKED_EQ has the mask in `value` and what must remain in `valueTwo`.
  const masked = operator === 'OP_MASKED_EQ'
  const wanted = BigInt(masked ? valueTwo : value)
  const mask = masked ? BigInt(value) : 0n
  if (masked && (wanted & mask) !== wanted) throw new Error(`seccomp profile: ${wanted} is not within its mask ${mask}`)
  return `{${index}, ${operator}, UINT64_C(${wanted}), UINT64_C(${mask})}`
}

/**
 * @param {{ defaultAction: string, defaultErrnoRet?: number, syscalls: object[] }} profile
 * @returns {string} the header; calls that the kernel's headers of the build machine do not know are left out
 */
export function rulesHeader({ defaultAction, defaultErrnoRet, syscalls }) {
  const lines = ['/* Generated from seccomp.json by build.mjs. */']
  lines.push(`#define SECCOMP_DEFAULT_ACTION (${action({ action: defaultAction, errnoRet: defaultErrnoRet })})`)
  lines.push('static const struct seccomp_rule seccomp_rules[] = {')
  for (const { names, args = [], ...rule } of syscalls) {
    if (args.length > 6) throw new Error('seccomp profile: a rule has more than 6 comparisons')
    const list = args.length === 0 ? '0' : `(const struct seccomp_argument[]){${args.map(argument).join(', ')}}`
    for (const name of names) {
      if (!NAME.test(name)) throw new Error(`seccomp profile: ${name} is not the name of a system call`)
      lines.push(`#ifdef __NR_${name}`)
      lines.push(`{__NR_${name}, ${action(rule)}, ${args.length}, ${list}},`)
      lines.push('#endif')
    }
  }
  return `${lines.join('\n')}\n};\n`
}
