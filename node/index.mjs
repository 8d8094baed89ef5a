// The runtime of Node functions: takes events from the runtime API ("Using the Lambda runtime API for custom runtimes"),
// calls the handler, and gives back what it answers.
import http from 'node:http';
import https from 'node:https';
import fs from 'node:fs';
import path from 'node:path';
import util from 'node:util';
import module, { createRequire, syncBuiltinESMExports } from 'node:module';
import { pathToFileURL } from 'node:url';

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const root = process.env.LAMBDA_TASK_ROOT;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
// Node 24's runtime has no handlers that answer by a callback.
const hasCallbacks = Number(/nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV)?.[1] ?? 0) < 24;

let requestId; // of the invocation under way

// ---- the log ----

// A carriage return keeps the lines of one message together.
function write(level, args) {
  const text = util.format(...args).replace(/\r?\n/g, '\r');
  process.stdout.write(`${new Date().toISOString()}\t${requestId ?? 'undefined'}\t${level}\t${text}\n`);
}

for (const [name, level] of Object.entries({ log: 'INFO', info: 'INFO', debug: 'DEBUG', warn: 'WARN', error: 'ERROR', trace: 'TRACE' }))
  console[name] = (...args) => write(level, args);

// ---- errors ----

class RuntimeError extends Error {
  constructor(type, message, cause) {
    super(message, { cause });
    this.name = type;
    if (cause?.stack) this.stack = `${type}: ${message}\n${cause.stack.split('\n').slice(1).join('\n')}`;
  }
}

function described(error) {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
}

function logError(prefix, error) {
  const { errorType, errorMessage, trace } = described(error);
  const own = error instanceof Error ? Object.fromEntries(Object.entries(error)) : {};
  write('ERROR', [`${prefix}\t${JSON.stringify({ errorType, errorMessage, ...own, stack: trace })}`]);
}

// ---- the runtime API ----

function call(method, where, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, method, agent, path: `/2018-06-01/runtime/${where}`, headers }, (response) => {
      const pieces = [];
      response.on('data', (piece) => pieces.push(piece));
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(pieces) }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

function send(where, value, headers = {}) {
  const body = Buffer.from(value);
  return call('POST', where, body, { 'Content-Type': 'application/json', 'Content-Length': body.length, ...headers });
}

async function failToStart(error) {
  logError('Uncaught Exception', error);
  const what = described(error);
  await send('init/error', JSON.stringify(what), { 'Lambda-Runtime-Function-Error-Type': what.errorType });
  process.exit(1);
}

// ---- answers to CloudFormation ----

// Providers of custom resources (the CDK's, cfn-response's) send their answer by https to the host that the response's
// address names, whatever its scheme and port: there the server's own are put in.
if (process.env.AWS_ENDPOINT_URL) {
  const server = new URL(process.env.AWS_ENDPOINT_URL);
  const byHttps = https.request;
  https.request = function request(...args) {
    const where = args.find((one) => typeof one === 'object' && one !== null && !(one instanceof URL)) ?? {};
    const url = typeof args[0] === 'string' ? new URL(args[0]) : args[0] instanceof URL ? args[0] : undefined;
    const name = where.hostname ?? where.host ?? url?.hostname;
    const place = where.path ?? (url ? url.pathname + url.search : '');
    if (server.protocol !== 'http:' || name !== server.hostname || !place.startsWith('/_tarn/cloudformation-response')) return byHttps.apply(this, args);
    const { agent: _, ...rest } = where;
    return http.request({ ...rest, protocol: 'http:', hostname: server.hostname, host: server.hostname, port: server.port, path: place },
      args.find((one) => typeof one === 'function'));
  };
  syncBuiltinESMExports();
}

// ---- the handler ----

function isModule(file) {
  if (file.endsWith('.mjs')) return true;
  if (file.endsWith('.cjs')) return false;
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const description = path.join(folder, 'package.json');
    if (fs.existsSync(description)) {
      try {
        return JSON.parse(fs.readFileSync(description, 'utf8')).type === 'module';
      } catch {
        return false;
      }
    }
    if (folder === path.dirname(folder)) return false;
  }
}

// `import` does not look into the folders of NODE_PATH by itself; what a function imports from a layer, or from AWS's SDK, is there.
const searchNodePath = `
import { pathToFileURL } from 'node:url';
const parents = ${JSON.stringify((process.env.NODE_PATH ?? '').split(':').filter((folder) => folder.endsWith('/node_modules')))};
export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || /^[./]|^\\w+:/.test(specifier)) throw error;
    for (const folder of parents) {
      try {
        return await next(specifier, { ...context, parentURL: pathToFileURL(folder + '/../index.mjs').href });
      } catch {}
    }
    throw error;
  }
}`;

async function load(place) {
  const file = ['', '.js', '.mjs', '.cjs'].map((end) => place + end).find((name) => fs.existsSync(name) && fs.statSync(name).isFile());
  try {
    if (file && isModule(file)) module.register?.('data:text/javascript,' + encodeURIComponent(searchNodePath));
    if (file && isModule(file)) return await import(pathToFileURL(file).href);
    return createRequire(path.join(root, 'index.js'))(file ?? place);
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuntimeError('Runtime.UserCodeSyntaxError', `SyntaxError: ${error.message}`, error);
    if (['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'].includes(error?.code))
      throw new RuntimeError('Runtime.ImportModuleError', `Error: ${error.message}`, error);
    throw error;
  }
}

// "folder/file.member.inner"
async function findHandler(name) {
  const folder = name.slice(0, name.lastIndexOf('/') + 1);
  const [file, ...members] = name.slice(folder.length).split('.');
  if (!file || members.length === 0 || name.includes('..')) throw new RuntimeError('Runtime.MalformedHandlerName', 'Bad handler');
  const module = await load(path.resolve(root, folder, file));
  const find = (from) => members.reduce((value, member) => value?.[member], from);
  const found = find(module) ?? find(module?.default);
  if (found === undefined) throw new RuntimeError('Runtime.HandlerNotFound', `${name} is undefined or not exported`);
  if (typeof found !== 'function') throw new RuntimeError('Runtime.HandlerNotFound', `${name} is not a function`);
  if (!hasCallbacks && found.length >= 3)
    throw new RuntimeError('Runtime.CallbackHandlerDeprecated',
      'AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You will need to modify this function to use a ' +
      'supported handler signature to use Node.js 24 or later.');
  return found;
}

// ---- invocations ----

function contextOf(headers, settle) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const parsed = (name) => (headers[name] ? JSON.parse(headers[name]) : undefined);
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parsed('lambda-runtime-client-context'),
    identity: parsed('lambda-runtime-cognito-identity'),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  if (hasCallbacks) {
    context.succeed = (value) => settle(null, value, true);
    context.fail = (error) => settle(error ?? 'handled', undefined, true);
    context.done = (error, value) => settle(error, value, false);
  }
  return context;
}

// What the handler answers: by its promise, by the callback, or nothing when nothing is left that could.
function run(handler, event, headers) {
  return new Promise((resolve, reject) => {
    const end = (error, value) => {
      process.removeListener('beforeExit', nothingLeft);
      if (error !== null && error !== undefined) reject(error);
      else resolve(value);
    };
    let answer; // of a callback, while the event loop is not empty
    const nothingLeft = () => end(...(answer ?? [null, null]));
    process.once('beforeExit', nothingLeft);
    const settle = (error, value, atOnce) => {
      if (answer) return;
      answer = [error, value];
      if (atOnce || !context.callbackWaitsForEmptyEventLoop) end(error, value);
    };
    const context = contextOf(headers, settle);
    try {
      const returned = hasCallbacks ? handler(event, context, (error, value) => settle(error, value, false)) : handler(event, context);
      if (typeof returned?.then === 'function') returned.then((value) => end(null, value), (error) => end(error ?? new Error('null'), undefined));
      else if (!hasCallbacks) end(null, returned);
    } catch (error) {
      end(error ?? new Error('null'), undefined);
    }
  });
}

async function fail(error) {
  const what = described(error);
  await send(`invocation/${requestId}/error`, JSON.stringify(what), { 'Lambda-Runtime-Function-Error-Type': what.errorType });
}

async function crash(error) {
  logError(error.name === 'Runtime.UnhandledPromiseRejection' ? 'Unhandled Promise Rejection' : 'Uncaught Exception', error);
  if (requestId) await fail(error);
  else await send('init/error', JSON.stringify(described(error)));
  process.exit(129);
}

process.on('uncaughtException', crash);
process.on('unhandledRejection', (reason) =>
  crash(new RuntimeError('Runtime.UnhandledPromiseRejection', String(reason), reason instanceof Error ? reason : undefined)));

async function serve() {
  const handler = await findHandler(process.env._HANDLER);
  for (;;) {
    requestId = undefined;
    const { headers, body } = await call('GET', 'invocation/next');
    requestId = headers['lambda-runtime-aws-request-id'];
    process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'] ?? '';
    try {
      const value = await run(handler, JSON.parse(body), headers);
      await send(`invocation/${requestId}/response`, JSON.stringify(value === undefined ? null : value) ?? 'null');
    } catch (error) {
      logError('Invoke Error ', error);
      await fail(error);
    }
  }
}

serve().catch(failToStart);
