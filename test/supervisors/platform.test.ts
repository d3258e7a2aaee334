import { expect, it } from 'vitest'
import { platformProblem, thisPlatform } from '../../supervisors/platform.mjs'

const fit = { node: '22.23.3', system: 'linux-x64', glibc: '2.36' }

it('this machine is fit', () => {
  expect(platformProblem(thisPlatform())).toBeUndefined()
})

it.each(['20.20.2', '22.17.9', '23.1.0', '24.0.0'])('Node %s is told where Node 22 is', (node) => {
  expect(platformProblem({ ...fit, node })).toMatch(/this is Node .*npm ci/)
})

it('a system without the native server, or without glibc, is told so', () => {
  expect(platformProblem({ ...fit, system: 'linux-s390x', glibc: '2.36' })).toMatch(/linux-s390x/)
  expect(platformProblem({ ...fit, glibc: undefined })).toMatch(/Alpine/)
  expect(platformProblem({ node: fit.node, system: 'darwin-arm64', glibc: undefined })).toBeUndefined()
})
