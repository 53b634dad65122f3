import CommandLine
import EventStoreCommandLine

await Executable.eventStore.run()
