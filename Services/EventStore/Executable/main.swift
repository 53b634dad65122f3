import EventStoreMain
import ServiceKit

await Executable.eventStore.run()
