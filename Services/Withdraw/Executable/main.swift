import WithdrawMain
import ServiceKit

await Executable.withdraw.run()
