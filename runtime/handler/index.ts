/** What a handler's module imports, as `spillway`. */
export { Type } from 'typebox'
export { type HandlerContext, PermanentError, type UpstreamCall, UpstreamError } from './context.ts'
export { defineHandler, type HandlerResult } from './define-handler.ts'
export { defineTable } from './define-table.ts'
