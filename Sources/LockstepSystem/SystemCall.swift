import Glibc

/// Makes a system call again for as long as a signal interrupts it (EINTR).
///
/// Not for close(2): Linux has closed the descriptor by the time that it reports an interruption.
///
/// - Parameter call: Returns -1 and sets errno if it fails.
/// - Returns: The result of the call that was not interrupted; errno is as that call left it.
package func retryingInterrupts<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}
