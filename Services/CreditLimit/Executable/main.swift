import CommandLine
import CreditLimitMain

await Executable.creditLimit.run()
