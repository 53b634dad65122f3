import CommandLine
import RouteMain

await Executable.route.run()
