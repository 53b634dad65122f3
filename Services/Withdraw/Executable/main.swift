import CommandLine
import WithdrawMain

await Executable.withdraw.run()
