import CommandLine
import EventStoreMain

await Executable.eventStore.run()
