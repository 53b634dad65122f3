import BalanceMain
import ServiceKit

await Executable.balance.run()
