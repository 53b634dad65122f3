import BalanceMain
import CommandLine

await Executable.balance.run()
