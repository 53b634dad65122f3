import CommandLine
import OrdersMain

await Executable.orders.run()
