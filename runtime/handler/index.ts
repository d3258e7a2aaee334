/** What a handler's module imports, as `spillway`. */
export { Type } from 'typebox'
export {
  type HandlerContext,
  isUpstreamError,
  PermanentError,
  type UpstreamCall,
  UpstreamError,
} from './context.ts'
export { defineHandler, type HandledJob, type HandlerResult } from './define-handler.ts'
export { defineTable } from './define-table.ts'
export { readEvents } from './read-events.ts'
export { readJson } from './read-json.ts'
