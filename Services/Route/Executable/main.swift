import RouteMain
import ServiceKit

await Executable.route.run()
