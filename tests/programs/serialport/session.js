// What an application does with serialport: `session.js PORT`, one JSON object at the end.
const { SerialPort, ReadlineParser } = require(require.resolve('serialport', { paths: [process.argv[3]] }));

const told = { lines: [] };
const fail = (error) => { if (error) { console.error(error); process.exit(1); } };

function ask(port, parser, command) {
  return new Promise((resolve) => {
    const lines = [];
    parser.on('data', function line(text) {
      if (text && text.trim() !== command) lines.push(text);
      if (/^(OK|ERROR|\+CME ERROR: .*)$/.test(text)) { parser.off('data', line); resolve(lines); }
    });
    port.write(command + '\r', fail);
  });
}

function open(options) {
  return new Promise((resolve) => {
    const port = new SerialPort({ path: process.argv[2], baudRate: 115200, ...options }, (error) => {
      fail(error);
      resolve([port, port.pipe(new ReadlineParser({ delimiter: '\r\n' }))]);
    });
  });
}

const promise = (work) => new Promise((resolve) => work((error) => resolve(error ? error.message : null)));

async function main() {
  for (const options of [{}, { rtscts: true }, { xon: true, xoff: true }, { baudRate: 9600 }, { lock: false }]) {
    const [port, parser] = await open(options);
    told.lines.push(await ask(port, parser, 'AT+CGMM'));
    await promise((done) => port.drain(done));
    await promise((done) => port.close(done));
  }
  const [port, parser] = await open({});
  told.echo = await ask(port, parser, 'ATE0');
  told.identity = await ask(port, parser, 'ATI;+CGSN');
  told.unknown = await ask(port, parser, 'AT^NOSUCH');
  told.rate = await promise((done) => port.update({ baudRate: 230400 }, done));
  told.afterRate = await ask(port, parser, 'AT+CGMM');
  told.set = await promise((done) => port.set({ dtr: false }, done));
  told.flush = await promise((done) => port.flush(done));
  told.afterAll = await ask(port, parser, 'AT');
  await promise((done) => port.close(done));
  console.log(JSON.stringify(told));
}

main();
