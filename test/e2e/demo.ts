console.error("skypipe: the demonstration is not written yet.");
process.exitCode = 1;
