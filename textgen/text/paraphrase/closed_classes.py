"""Words of closed classes, and others by name, that tell what may fill a slot of a pattern."""

from __future__ import annotations

from textgen.text.paraphrase.tokens import listed

ANAPHORA = listed(
    """
    他 她 它 他们 她们 它们 其 此 该 这 那 如此 这样 那样 这么 那么 前者 后者 两者 二者 这些 那些 之
    这个 那个 这种 那种 这项 这里 那里 这件 这位 那位 那时 这时 当时
    """
)
PRONOUNS = listed("他 她 它 他们 她们 它们")
QUESTIONS = listed("什么 谁 哪 怎么 怎样 怎么样 如何 为什么 多少 几 哪里 哪儿 哪个 哪些 何 何时 为何")
INNER = listed(
    """
    虽然 虽 尽管 因为 由于 如果 即使 即便 只要 既然 不但 不仅 所以 因此 但 但是 无论 不管 不论 除非
    之所以
    """
)
CONNECTIVES = listed(
    """
    那么 那 倘若 假若 要是 就算 即便 每当 当 自从 除了 除 为了 随着 据 因 因为 所以 因此 但是 但 然而
    而且 并且 并 而 如果 虽然 尽管 由于 只要 只有 除非 即使 无论 不管 不但 不仅 于是 可是 不过 从而 以便
    以免 否则 要是 假如 既然 既 一旦 况且 何况 反而 另外 此外 同时 或者 还是 也 就 才 还 却 都 又 便
    则 更 再 仍 仍然 依然
    """
)
ADVERBS = listed("都 也 还 就 又 仍 仍然 依然 才 却 便 再 更 全部")
PIVOTS = listed("让 叫 请 陪 带 帮 送 邀请 组织 帮助 把 将 被 给 使 派 用 听 看")
# behind which a clause begins
OPENING = listed(
    """
    因为 由于 虽然 尽管 如果 假如 要是 但是 但 可是 不过 然而 所以 因此 于是 只要 即使
    而且 并且 幸好 好在 听说
    """
)
# used as verbs, whatever their tags
VERBS = listed(
    """
    病 节省 唱歌 跳舞 封路 进站 同意 下雨 下雪 堵车 上课 下课 放学 上班 下班 回家 刮风 毕业 入学 开学
    报名 签到 登记 请假 迟到 散步 不好 很少 很多 少 多 不多 不少 展览 停车 入场 进场 付款 乘车 下 办理
    提交 填写 领取 携带 洗手 关闭 主持 寄 存 来 整理 下单 参赛 见面 读书 念书 爬山 植树 合影 散会 用餐
    写信
    """
)
QUANTIFIED = listed("多 少 很多 很少 展览")  # which begin no predicate
NO_ACTIONS = listed("是 有 没有 在 要 会 能 想 使 让 给 被 把 进行")
PARTICLES = listed("呢 吗 吧 的")
LOCALIZERS = listed("里 上 中 下 内 外 旁 前 后 旁边 附近 门口")
