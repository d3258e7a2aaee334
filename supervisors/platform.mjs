/**
 * What the program runs on.
 *
 * @typedef {object} Platform
 * @property {string} node process.versions.node
 * @property {string} system process.platform-process.arch
 * @property {string | undefined} glibc Version of the GNU C library; undefined on Linux with another one (musl, as on Alpine).
 */

const SYSTEMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64']

/**
 * Why the program can't run here, and what to do; undefined when it can. Plain JavaScript without imports of packages, so
 * that any Node can read it, and before anything native is loaded.
 *
 * @param {Platform} platform
 * @returns {string | undefined}
 */
export function platformProblem({ node, system, glibc }) {
  const [major = 0, minor = 0] = node.split('.').map(Number)
  if (major !== 22 || minor < 18)
    return (
      `this is Node ${node}, and Spillway needs Node 22, from 22.18 on. The project brings one: start it with npm ` +
      '(`npm start`, `npm test`) or with node_modules/.bin/node; if that is missing, run `npm ci` without `--omit=optional`.'
    )
  if (!SYSTEMS.includes(system))
    return `there is no native HTTP server for ${system}; use one of ${SYSTEMS.join(', ')}`
  if (system.startsWith('linux') && glibc === undefined)
    return 'the native HTTP server needs the GNU C library (glibc); use a Debian, Ubuntu or Red Hat image instead of Alpine'
  return undefined
}

/** @returns {Platform} */
export function thisPlatform() {
  // Without it the report looks up the names of every open socket.
  Object.assign(process.report, { excludeNetwork: true })
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport())
  return {
    node: process.versions.node,
    system: `${process.platform}-${process.arch}`,
    glibc: report.header.glibcVersionRuntime,
  }
}
