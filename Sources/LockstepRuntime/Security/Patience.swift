import LockstepCluster
import LockstepProtocol

/// How often a peer is answered that says nothing useful.
///
/// A worker that has lost its membership is told so, says hello and is welcomed: a few times in its life. Whoever needs
/// more than that, on one connection, is no worker, and is neither heard nor answered from then on.
struct Patience {
    /// Refusals in a row, and welcomes in all, on one connection.
    static let refusals = 16
    static let welcomes = 64

    enum Verdict {
        case send
        case drop
        /// Not to be sent, and never anything again: whatever membership there is ends.
        case giveUp
    }

    private struct Account {
        var refusals = 0
        var welcomes = 0
        var isSpent = false
    }

    private var accounts: [PeerID: Account] = [:]

    /// Whether what a peer says is listened to.
    func hears(_ peer: PeerID) -> Bool {
        guard !accounts.isEmpty, let account = accounts[peer] else { return true }
        return !account.isSpent
    }

    /// Counts a message that is about to be sent.
    mutating func allows(_ kind: MessageKind, to peer: PeerID) -> Verdict {
        guard kind == .refuse || kind == .welcome else { return hears(peer) ? .send : .drop }
        var account = accounts[peer] ?? Account()
        guard !account.isSpent else { return .drop }
        if kind == .refuse {
            account.refusals += 1
        } else {
            account.refusals = 0
            account.welcomes += 1
        }
        account.isSpent = account.refusals > Self.refusals || account.welcomes > Self.welcomes
        accounts[peer] = account
        return account.isSpent ? .giveUp : .send
    }

    /// The connection has ended.
    mutating func forget(_ peer: PeerID) {
        accounts[peer] = nil
    }
}
