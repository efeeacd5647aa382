/// The candidate that is nearest to a misspelt word; nil if none is near.
package func suggestion(for word: String, among candidates: some Sequence<String>) -> String? {
    let target = normalized(word)
    let best = candidates.map { (candidate: $0, distance: editDistance(target, normalized($0))) }
        .min { ($0.distance, $0.candidate) < ($1.distance, $1.candidate) }
    guard let best else { return nil }
    // A third of the letters may be wrong: `lerning_rat` is near, `momentum` is not.
    let tolerance = max(1, min(target.count, best.candidate.count) / 3)
    return best.distance <= tolerance ? best.candidate : nil
}

/// Says which words are known, after one that is not: "known are a, b", "only a is known", "it has none".
package func knownText(_ words: [String]) -> String {
    switch words.count {
    case 0: "it has none"
    case 1: "only \(words[0]) is known"
    default: "known are " + words.joined(separator: ", ")
    }
}

/// Differences in case, and in the separator of words (`-`, `_`, space), are common and do not count.
private func normalized(_ word: String) -> [Character] {
    // No key has 64 letters, and the time of the distance grows with the square of the length.
    word.lowercased().prefix(64).map { $0 == "_" || $0 == " " ? "-" : $0 }
}

/// The least number of insertions, deletions, substitutions and swaps of neighbours that turn one word into the other
/// (optimal string alignment: Boytsov 2011, Indexing methods for approximate dictionary searching, section 2.2).
package func editDistance(_ a: [Character], _ b: [Character]) -> Int {
    var beforePrevious = [Int](repeating: 0, count: b.count + 1)
    var previous = Array(0...b.count)
    for i in 0..<a.count {
        var row = [i + 1]
        row.reserveCapacity(b.count + 1)
        for j in 0..<b.count {
            var cost = min(previous[j + 1] + 1, row[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                cost = min(cost, beforePrevious[j - 1] + 1)
            }
            row.append(cost)
        }
        (beforePrevious, previous) = (previous, row)
    }
    return previous[b.count]
}
