import OrdersMain
import ServiceKit

await Executable.orders.run()
